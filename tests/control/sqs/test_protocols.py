"""Over a socket: boto3 as it is, and the query protocol as SDKs of before 2023-11 speak it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.control.conftest import served as served
from tests.control.helpers import Served

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


def ask(served: Served, path: str = "/", **form: str) -> tuple[int, ElementTree.Element]:
    """A form as an old SDK sends it, to the service or to a queue's own address."""
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "authorization": "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/sqs/aws4_request, "
        "SignedHeaders=host, Signature=00",
    }
    body = urlencode({"Version": "2012-11-05", **form})
    answer = httpx.post(f"http://127.0.0.1:{served.port}{path}", content=body, headers=headers)
    return answer.status_code, ElementTree.fromstring(answer.text)


def found(tree: ElementTree.Element, path: str) -> str | None:
    node = tree.find("/".join(f"{NAMESPACE}{step}" for step in path.split("/")))
    return None if node is None else node.text


def test_boto3_sends_receives_and_deletes(served: Any) -> None:
    client = served.client("sqs")
    url = client.create_queue(QueueName="jobs")["QueueUrl"]
    assert url == f"http://127.0.0.1:{served.port}/000000000000/jobs"
    attributes = {
        "text": {"DataType": "String", "StringValue": "ä"},
        "bytes": {"DataType": "Binary.gz", "BinaryValue": b"\x00\xff"},
        "number": {"DataType": "Number", "StringValue": "1.50"},
    }
    client.send_message(
        QueueUrl=url, MessageBody="hello ☃", MessageAttributes=attributes
    )  # checks the digests
    (message,) = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == "hello ☃"
    assert message["MessageAttributes"] == attributes
    client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in client.receive_message(QueueUrl=url)


def test_errors_have_the_codes_of_both_protocols(served: Any) -> None:
    client = served.client("sqs")
    with pytest.raises(client.exceptions.QueueDoesNotExist) as raised:
        client.get_queue_url(QueueName="none")
    error = raised.value.response["Error"]
    assert error["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert error["QueryErrorCode"] == "QueueDoesNotExist"
    assert error["Type"] == "Sender"
    client.create_queue(QueueName="jobs")
    with pytest.raises(ClientError) as refused:
        client.create_queue(QueueName="jobs", Attributes={"DelaySeconds": "5"})
    error = refused.value.response["Error"]
    assert (error["Code"], error["QueryErrorCode"]) == ("QueueAlreadyExists", "QueueNameExists")


def test_the_query_protocol(served: Any) -> None:
    attribute = {"Attribute.1.Name": "DelaySeconds", "Attribute.1.Value": "0"}
    status, tree = ask(served, Action="CreateQueue", QueueName="old", **attribute)
    assert (status, tree.tag) == (200, f"{NAMESPACE}CreateQueueResponse")
    url = found(tree, "CreateQueueResult/QueueUrl") or ""
    path = "/" + url.split("/", 3)[3]
    status, tree = ask(
        served,
        path,  # the queue's own address, and no QueueUrl
        Action="SendMessage",
        MessageBody="<b> & ☃",
        **{
            "MessageAttribute.1.Name": "a",
            "MessageAttribute.1.Value.DataType": "String",
            "MessageAttribute.1.Value.StringValue": "x",
        },
    )
    assert status == 200
    assert found(tree, "SendMessageResult/MD5OfMessageAttributes") == "a512aac9938034acb0b3c3d965944bf1"
    status, tree = ask(
        served, path, Action="ReceiveMessage", **{"AttributeName.1": "All", "MessageAttributeName.1": "a"}
    )
    assert found(tree, "ReceiveMessageResult/Message/Body") == "<b> & ☃"
    assert found(tree, "ReceiveMessageResult/Message/MessageAttribute/Value/StringValue") == "x"
    names = [node.text for node in tree.iter(f"{NAMESPACE}Name")]
    assert "ApproximateReceiveCount" in names
    handle = found(tree, "ReceiveMessageResult/Message/ReceiptHandle") or ""
    status, tree = ask(served, path, Action="DeleteMessage", ReceiptHandle=handle)
    assert (status, tree.tag) == (200, f"{NAMESPACE}DeleteMessageResponse")
    assert found(tree, "ResponseMetadata/RequestId")


def test_errors_of_the_query_protocol(served: Any) -> None:
    status, tree = ask(served, "/000000000000/none", Action="SendMessage", MessageBody="m")
    assert status == 400
    assert found(tree, "Error/Code") == "AWS.SimpleQueueService.NonExistentQueue"
    assert found(tree, "Error/Message") == "The specified queue does not exist for this wsdl version."
    assert found(tree, "Error/Type") == "Sender"
    served.client("sqs").create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true"})
    status, tree = ask(served, "/000000000000/jobs.fifo", Action="SendMessage", MessageBody="m")
    assert (status, found(tree, "Error/Code")) == (400, "MissingParameter")


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"Action": "FooBar"}, 400, "InvalidAction"),
        ({"Action": "SendMessage", "MessageBody": "m", "QueueUrl": "http://["}, 404, "InvalidAddress"),
        ({"Action": "SendMessage", "MessageBody": "m", "MessageAttribute.1": "a"}, 400, "MalformedInput"),
        ({"Action": "SendMessageBatch", "SendMessageBatchRequestEntry.1": "a"}, 400, "MalformedInput"),
        ({"Action": "CreateQueue", "QueueName": "q", "Attribute.1": "a"}, 400, "MalformedInput"),
    ],
)
def test_what_no_old_sdk_would_send(served: Any, form: dict[str, str], status: int, code: str) -> None:
    served.client("sqs").create_queue(QueueName="jobs")
    answer, tree = ask(served, "/000000000000/jobs", **form)
    assert (answer, found(tree, "Error/Code"), found(tree, "Error/Type")) == (status, code, "Sender")
    if code == "InvalidAction":
        assert found(tree, "Error/Message") == "The action FooBar is not valid for this endpoint."


@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("SendMessage", {"MessageBody": ["m"]}, "SerializationException"),
        ("SendMessage", {"MessageBody": "m", "MessageAttributes": {"a": "b"}}, "SerializationException"),
        ("SendMessageBatch", {"Entries": [1]}, "SerializationException"),
        ("SendMessage", {"MessageBody": "\ud800"}, "InvalidMessageContents"),
        ("SendMessageBatch", {"Entries": [{"Id": "1", "MessageBody": "\ud800"}]}, None),
        ("SendMessage", {}, "MissingParameter"),
    ],
)
def test_what_no_sdk_would_send(served: Any, operation: str, body: dict[str, Any], code: str | None) -> None:
    served.client("sqs").create_queue(QueueName="jobs")
    url = f"http://127.0.0.1:{served.port}/000000000000/jobs"
    headers = {"x-amz-target": f"AmazonSQS.{operation}", "content-type": "application/x-amz-json-1.0"}
    content = json.dumps({"QueueUrl": url, **body})
    answer = httpx.post(f"http://127.0.0.1:{served.port}/", content=content, headers=headers)
    if code is None:
        assert answer.json()["Failed"][0]["Code"] == "InvalidMessageContents"
        return
    assert answer.status_code == 400
    told = answer.headers.get("x-amzn-query-error", answer.json()["__type"]).partition(";")[0]
    assert told == code
