"""SQS messages as a function gets them, and what its answer says of them.

Source: Lambda Developer Guide, "Using Lambda with Amazon SQS" and "Implementing partial batch responses"; the members
as LocalStack's tests recorded them on AWS (``test_lambda_integration_sqs.snapshot.json``, 2024-10).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.aws import json_text

_SYSTEM = (
    "ApproximateReceiveCount",
    "AWSTraceHeader",
    "SentTimestamp",
    "SequenceNumber",
    "MessageGroupId",
    "SenderId",
    "MessageDeduplicationId",
    "ApproximateFirstReceiveTimestamp",
    "DeadLetterQueueSourceArn",
)

Message = Mapping[str, Any]  # as ReceiveMessage gives it


def record(message: Message, arn: str) -> dict[str, Any]:
    """A member of ``Records``."""
    system = message.get("Attributes", {})
    made: dict[str, Any] = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {name: system[name] for name in _SYSTEM if name in system},
        "messageAttributes": {
            name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
    }
    if "MD5OfMessageAttributes" in message:
        made["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return made | {
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "BinaryValue" in value:
        return {"binaryValue": base64.b64encode(value["BinaryValue"]).decode(), **made}
    return {"stringValue": value["StringValue"], **made}


def failed_ids(answer: bytes, ids: Sequence[str]) -> set[str]:
    """The messages that a partial batch response reports as failed; all of them when it cannot be read.

    An answer without failures is empty, null, ``{}`` or has an empty or null ``batchItemFailures``.
    """
    everything = set(ids)
    try:
        document = json_text.loads(answer or b"null")
    except ValueError:
        return everything
    if document is None or document == {}:
        return set()
    failures = document.get("batchItemFailures", ...) if isinstance(document, dict) else ...
    if failures is None:
        return set()
    if not isinstance(failures, list):
        return everything
    named = {str(one.get("itemIdentifier")) if isinstance(one, dict) else "" for one in failures}
    return named if named <= everything else everything
