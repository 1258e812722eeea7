"""Proofs of the rows about HTTP APIs: httpx over loopback, real handlers, virtual time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

SLEEP = """
import json, time
def handler(event, context):
    time.sleep(json.loads(event["body"])["s"])
    return {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "body": "data: 1\\n\\ndata: 2\\n\\n"}
"""
ECHO = "def handler(event, context):\n    return event\n"
UNAVAILABLE = b'{"message":"Service Unavailable"}'


async def permit(world: World, function: str) -> None:
    await world.aws(
        "lambda",
        "AddPermission",
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )


async def http_api(world: World, function: str, **integration: Any) -> str:
    """An HTTP API whose ``$default`` route is a proxy of the function. Its path-style address."""
    api = (await world.aws("apigatewayv2", "CreateApi", Name="a", ProtocolType="HTTP"))["ApiId"]
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    given = {
        "IntegrationType": "AWS_PROXY",
        "PayloadFormatVersion": "2.0",
        "IntegrationUri": arn,
        **integration,
    }
    made = await world.aws("apigatewayv2", "CreateIntegration", ApiId=api, **given)
    target = f"integrations/{made['IntegrationId']}"
    await world.aws("apigatewayv2", "CreateRoute", ApiId=api, RouteKey="$default", Target=target)
    await world.aws("apigatewayv2", "CreateStage", ApiId=api, StageName="$default", AutoDeploy=True)
    return f"{world.sandbox.endpoint}/_aws/execute-api/{api}"


@pytest.mark.fact("2.1", "2.2", "2.5")
def test_thirty_seconds_hard_and_nothing_before_the_end(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP, Timeout=60)
        await permit(world, "f")
        api = await http_api(world, "f")
        arrived = await world.arrivals(f"{api}/chat", json={"s": 29.5})
        assert [(pytest.approx(29.5, abs=1e-6), b"data: 1\n\ndata: 2\n\n")] == arrived
        began = world.clock.now()
        answer = await world.http.post(f"{api}/chat", json={"s": 40})
        assert world.clock.now() - began == pytest.approx(30, abs=1e-6)
        assert (answer.status_code, answer.content) == (503, UNAVAILABLE)
        assert {"apigw-requestid", "content-type"} <= set(answer.headers)
        assert "x-amz-apigw-id" not in answer.headers
        await world.clock.advance(60)
        ended = world.events("invocation_ended")[-1]
        assert ended.data["duration_ms"] == pytest.approx(40_000, abs=1)  # it ran on, and is billed

    play(main)


@pytest.mark.fact("2.3", "2.6")
def test_an_answer_without_status_is_200_and_no_permission_is_500(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        api = await http_api(world, "f")
        refused = await world.http.get(f"{api}/chat")
        assert (refused.status_code, refused.content) == (500, b'{"message":"Internal Server Error"}')
        await permit(world, "f")
        answer = await world.http.get(f"{api}/chat?a=1")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        event = answer.json()
        assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/chat", "a=1")

    play(main)


def test_a_message_goes_to_a_queue(play: Play) -> None:
    async def main(world: World) -> None:
        queue = (await world.aws("sqs", "CreateQueue", QueueName="q"))["QueueUrl"]
        api = await http_api(
            world,
            "none",
            IntegrationUri="",
            IntegrationSubtype="SQS-SendMessage",
            PayloadFormatVersion="1.0",
            CredentialsArn="arn:aws:iam::000000000000:role/any",
            RequestParameters={"QueueUrl": queue, "MessageBody": "$request.body.text"},
        )
        answer = await world.http.post(f"{api}/send", json={"text": "hello"})
        assert answer.status_code == 200, answer.text
        assert "<MessageId>" in answer.text, answer.text
        found = await world.aws("sqs", "ReceiveMessage", QueueUrl=queue)
        assert [message["Body"] for message in found["Messages"]] == ["hello"]
        missing = await world.http.post(f"{api}/send", content=json.dumps({}))
        assert missing.status_code == 400

    play(main)
