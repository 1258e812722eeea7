"""Queues and tables by the AWS SDK for JavaScript v3 and by boto3, unmodified, on virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.stories.handle import SandboxHandle

if TYPE_CHECKING:
    from tests.clients.conftest import Run


def table(sandbox: SandboxHandle) -> str:
    sandbox.client("dynamodb").create_table(
        TableName="jobs",
        KeySchema=[{"AttributeName": "job", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "job", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return "jobs"


@pytest.mark.fact("8.3")
def test_javascript(sandbox: SandboxHandle, run_node: Run):
    said = run_node("sqs.mjs", sandbox.endpoint, table=table(sandbox))
    assert said == [
        {"url": f"{sandbox.endpoint}/000000000000/js"},
        {"sent": ["a"], "refused": ["InvalidParameterValue"]},
        {"body": "one", "count": "1", "bytes": [0, 255]},
        {"body": "two"},
        {"body": "one"},
        {"known": True},
        {"error": "QueueDoesNotExist", "message": "The specified queue does not exist.", "status": 400},
        {
            "error": "ConditionalCheckFailedException",
            "message": "The conditional request failed",
            "status": 400,
        },
        {"job": {"S": "j"}, "text": {"S": "one two"}, "n": {"N": "2"}},
    ]
    instants = [
        event.at for event in sandbox.timeline() if (event.source, event.name) == ("sqs", "message_received")
    ]
    assert [round(at - instants[0], 2) for at in instants] == [0, 3, 5]


def test_python(sandbox: SandboxHandle):
    client = sandbox.client("sqs")
    url = client.create_queue(QueueName="py")["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="m", DelaySeconds=15)
    (message,) = client.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == "m"
    sent, received = [event.at for event in sandbox.timeline() if event.source == "sqs"]
    assert received - sent == pytest.approx(15, abs=1e-6)


def old_form(sandbox: SandboxHandle, url: str, **form: str) -> httpx.Response:
    """A form as SDKs of before the JSON protocol signed and sent it, to a queue's own address."""
    body = urlencode({"Version": "2012-11-05", **form})
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", url, data=body, headers=headers)
    SigV4Auth(Credentials("test", "test"), "sqs", "us-east-1").add_auth(request)
    return httpx.post(url, content=body, headers=dict(request.headers.items()))


def test_the_query_protocol_with_a_signature(sandbox: SandboxHandle):
    url = sandbox.client("sqs").create_queue(QueueName="old")["QueueUrl"]
    sent = old_form(sandbox, url, Action="SendMessage", MessageBody="m")
    assert (sent.status_code, sent.headers["content-type"]) == (200, "text/xml")
    assert "<MD5OfMessageBody>6f8f57715090da2632453988d9a1501b</MD5OfMessageBody>" in sent.text
    got = old_form(sandbox, url, Action="ReceiveMessage", **{"AttributeName.1": "All"})
    assert "<Body>m</Body>" in got.text
    refused = old_form(sandbox, f"{url}-none", Action="SendMessage", MessageBody="m")
    assert refused.status_code == 400
    assert "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in refused.text
    unsigned = httpx.post(url, data={"Action": "SendMessage", "MessageBody": "m"})
    assert unsigned.status_code == 403
