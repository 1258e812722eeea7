"""What a function gets of a message, and what its answer says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.services.event_sources.records import failed_ids, record

ARN = "arn:aws:sqs:eu-central-1:000000000000:jobs"


def test_a_record_has_awss_members_in_awss_order() -> None:
    message = {
        "MessageId": "id",
        "ReceiptHandle": "handle",
        "MD5OfBody": "md5",
        "Body": "hello",
        "Attributes": {"SenderId": "me", "ApproximateReceiveCount": "1", "MessageGroupId": "g"},
        "MD5OfMessageAttributes": "md5a",
        "MessageAttributes": {
            "t": {"DataType": "String", "StringValue": "x"},
            "b": {"DataType": "Binary", "BinaryValue": b"\x01"},
        },
    }
    assert json.dumps(record(message, ARN)) == json.dumps(
        {
            "messageId": "id",
            "receiptHandle": "handle",
            "body": "hello",
            "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "g", "SenderId": "me"},
            "messageAttributes": {
                "t": {
                    "stringValue": "x",
                    "stringListValues": [],
                    "binaryListValues": [],
                    "dataType": "String",
                },
                "b": {
                    "binaryValue": "AQ==",
                    "stringListValues": [],
                    "binaryListValues": [],
                    "dataType": "Binary",
                },
            },
            "md5OfMessageAttributes": "md5a",
            "md5OfBody": "md5",
            "eventSource": "aws:sqs",
            "eventSourceARN": ARN,
            "awsRegion": "eu-central-1",
        }
    )


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, "b"),
        ({"batchItemFailures": []}, ""),
        ({"batchItemFailures": None}, ""),
        ({}, ""),
        (None, ""),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, "abc"),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, "abc"),
        ({"batchItemFailures": [{"id": "b"}]}, "abc"),
        ({"batchItemFailures": [{"itemIdentifier": "z"}]}, "abc"),
        ({"batchItemFailures": "b"}, "abc"),
        ({"wrong": []}, "abc"),
        ("done", "abc"),
    ],
)
def test_a_partial_batch_response(answer: Any, failed: str) -> None:
    assert failed_ids(json.dumps(answer).encode(), list("abc")) == set(failed)


def test_an_answer_that_is_no_json_fails_them_all() -> None:
    assert failed_ids(b"{", ["a"]) == {"a"}
    assert failed_ids(b"", ["a"]) == set()
