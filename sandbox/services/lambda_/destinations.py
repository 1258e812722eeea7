"""Where the record of an asynchronous invocation goes: destinations and the dead-letter queue.

The record's members: Lambda developer guide, "Capturing records of Lambda asynchronous invocations"; the dead-letter
queue's attributes: the same guide, "Adding a dead-letter queue".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import Invocation, InvocationResult, Sandbox


def record(
    sandbox: Sandbox,
    arn: str,
    event: bytes,
    request_id: str,
    condition: str,
    attempts: int,
    result: InvocationResult | None,
) -> dict[str, Any]:
    """The record of an event that was done with. ``condition``: Success, RetriesExhausted or EventAgeExceeded."""
    made: dict[str, Any] = {
        "version": "1.0",
        "timestamp": sandbox.clock.utcnow().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": request_id,
            "functionArn": arn,
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": _json(event),
    }
    if result is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": result.executed_version}
        if result.function_error:
            context["functionError"] = result.function_error
        made |= {"responseContext": context, "responsePayload": _json(result.payload)}
    return made


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload) if payload else None
    except ValueError:
        return payload.decode("utf-8", "replace")


async def deliver(sandbox: Sandbox, destination: str, sent: Mapping[str, Any]) -> None:
    """Send a record to an SQS queue, SNS topic, Lambda function or event bus, by its ARN. Raises ``AwsError``."""
    body = json.dumps(sent)
    match destination.split(":")[2]:
        case "sqs":
            await _to_queue(sandbox, destination, body, {})
        case "sns":
            await sandbox.control.call("sns", "Publish", TopicArn=destination, Message=body)
        case "lambda":
            await sandbox.invoke(Invocation(destination, body.encode(), "Event"))
        case "events":
            await _to_bus(sandbox, destination, sent)
        case other:
            raise NotEmulatedError(f"Lambda destinations of the kind {other}: {destination}")


async def dead_letter(sandbox: Sandbox, target: str, event: bytes, request_id: str, error: str) -> None:
    """Send an event itself to a dead-letter queue or topic. Raises ``AwsError``."""
    texts = {
        "RequestID": ("String", request_id),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", error[:1024]),
    }
    attributes = {k: {"DataType": kind, "StringValue": v} for k, (kind, v) in texts.items() if v}
    body = event.decode("utf-8", "replace") or "{}"
    if target.split(":")[2] == "sqs":
        await _to_queue(sandbox, target, body, attributes)
    else:
        await sandbox.control.call(
            "sns", "Publish", TopicArn=target, Message=body, MessageAttributes=attributes
        )


async def _to_queue(sandbox: Sandbox, arn: str, body: str, attributes: Mapping[str, Any]) -> None:
    name = arn.rpartition(":")[2]
    url = (await sandbox.control.call("sqs", "GetQueueUrl", QueueName=name))["QueueUrl"]
    more = {"MessageAttributes": attributes} if attributes else {}
    await sandbox.control.call("sqs", "SendMessage", QueueUrl=url, MessageBody=body, **more)


async def _to_bus(sandbox: Sandbox, arn: str, sent: Mapping[str, Any]) -> None:
    outcome = "Success" if sent["requestContext"]["condition"] == "Success" else "Failure"
    entry = {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {outcome}",
        "Detail": json.dumps(sent),
        "Resources": [arn, sent["requestContext"]["functionArn"]],
        "EventBusName": arn.rpartition("/")[2],
    }
    answer = await sandbox.control.call("events", "PutEvents", Entries=[entry])
    if answer.get("FailedEntryCount"):
        failed = answer["Entries"][0]
        raise AwsError(400, failed.get("ErrorCode", "Unknown"), failed.get("ErrorMessage", ""))
