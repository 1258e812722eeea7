"""REST APIs before AWS services: what boto3 then finds in the queue and the table, with the role's permissions."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

ALLOW = {"Effect": "Allow", "Resource": "*"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
FORM = {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}


def role(sandbox: Any, *actions: str) -> str:
    iam = sandbox.client("iam")
    made = iam.create_role(RoleName="gateway", AssumeRolePolicyDocument=json.dumps(TRUST))
    document = {"Version": "2012-10-17", "Statement": [{**ALLOW, "Action": list(actions)}]}
    iam.put_role_policy(RoleName="gateway", PolicyName="p", PolicyDocument=json.dumps(document))
    return str(made["Role"]["Arn"])


def api(sandbox: Any, uri: str, template: str, credentials: str, **more: Any) -> str:
    client = sandbox.client("apigateway")
    made = client.create_rest_api(name="a", endpointConfiguration={"types": ["REGIONAL"]})
    where = {"restApiId": made["id"], "resourceId": made["rootResourceId"], "httpMethod": "POST"}
    client.put_method(**where, authorizationType="NONE")
    client.put_integration(
        **where,
        type="AWS",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:us-east-1:{uri}",
        credentials=credentials,
        requestTemplates={"application/json": template},
        **more,
    )
    client.put_integration_response(**where, statusCode="200")
    client.put_integration_response(**where, statusCode="502", selectionPattern="[45]\\d\\d")
    client.create_deployment(restApiId=made["id"], stageName="prod")
    return f"{sandbox.endpoint}/_aws/execute-api/{made['id']}/prod/"


def post(url: str, **document: Any) -> httpx.Response:
    return httpx.post(url, json=document, timeout=None, trust_env=False)


@pytest.mark.parametrize("kind", ["path", "action"])
def test_sqs_send_message(sandbox: Any, kind: str) -> None:
    sqs = sandbox.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    uri = "sqs:path/000000000000/q" if kind == "path" else "sqs:action/SendMessage"
    template = "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"
    if kind == "action":
        template = f"QueueUrl=$util.urlEncode('{queue}')&MessageBody=$util.urlEncode($input.body)"
    url = api(sandbox, uri, template, role(sandbox, "sqs:SendMessage"), requestParameters=FORM)
    answer = post(url, text="a & b")
    assert answer.status_code == 200, answer.text
    result = answer.json()["SendMessageResponse"]["SendMessageResult"]
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"]) == {"text": "a & b"}
    assert result == {
        "MD5OfMessageAttributes": None,
        "MD5OfMessageBody": message["MD5OfBody"],
        "MD5OfMessageSystemAttributes": None,
        "MessageId": message["MessageId"],
        "SequenceNumber": None,
    }


def test_sqs_receive_message_waits_on_the_sandboxs_time(sandbox: Any) -> None:
    sqs = sandbox.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    template = "Action=ReceiveMessage&WaitTimeSeconds=10"
    url = api(sandbox, "sqs:path/000000000000/q", template, role(sandbox, "sqs:*"), requestParameters=FORM)
    assert post(url).json()["ReceiveMessageResponse"]["ReceiveMessageResult"] == {"messages": None}
    begun, ended = (
        event.at
        for event in list(sandbox.timeline())
        if event.source == "api_rest" and event.name in ("request_received", "response_started")
    )
    assert ended - begun == pytest.approx(10, abs=0.001)
    sqs.send_message(QueueUrl=queue, MessageBody="hi")
    (message,) = post(url).json()["ReceiveMessageResponse"]["ReceiveMessageResult"]["messages"]
    assert message["Body"] == "hi"
    assert message["ReceiptHandle"]


def test_role_without_permission_is_refused_and_nothing_is_sent(sandbox: Any) -> None:
    sqs = sandbox.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    template = "Action=SendMessage&MessageBody=x"
    url = api(
        sandbox,
        "sqs:path/000000000000/q",
        template,
        role(sandbox, "sqs:ReceiveMessage"),
        requestParameters=FORM,
    )
    answer = post(url)
    assert answer.status_code == 502  # by the selection pattern; the service said 403
    assert answer.json()["Error"]["Code"] == "AccessDenied"
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_dynamodb_put_and_get(sandbox: Any) -> None:
    table = sandbox.client("dynamodb")
    table.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    credentials = role(sandbox, "dynamodb:PutItem", "dynamodb:GetItem")
    put = (
        '{"TableName": "t", "Item": {"id": {"S": "$context.requestId"}, "q": {"S": "$input.path(\'$.q\')"}}}'
    )
    assert post(api(sandbox, "dynamodb:action/PutItem", put, credentials), q="hi").json() == {}
    (item,) = table.scan(TableName="t")["Items"]
    assert item["q"] == {"S": "hi"}
    get = '{"TableName": "t", "Key": {"id": {"S": "$input.path(\'$.id\')"}}}'
    found = post(api(sandbox, "dynamodb:action/GetItem", get, credentials), id=item["id"]["S"])
    assert found.json()["Item"] == item


def test_sns_publish(sandbox: Any) -> None:
    topic = sandbox.client("sns").create_topic(Name="t")["TopicArn"]
    template = f"Action=Publish&TopicArn=$util.urlEncode('{topic}')&Message=$util.urlEncode($input.body)"
    url = api(sandbox, "sns:path//", template, role(sandbox, "sns:Publish"), requestParameters=FORM)
    answer = post(url, text="x")
    assert answer.status_code == 200, answer.text
    result = answer.json()["PublishResponse"]["PublishResult"]
    assert (result["SequenceNumber"], len(result["MessageId"])) == (None, 36)
