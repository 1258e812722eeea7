"""``TestInvokeMethod`` and ``TestInvokeAuthorizer``: what the function gets, what comes back, and when.

By boto3 where no time has to go by: a thread of the test holds the virtual clock.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

ECHO = """
import json
def handler(event, context):
    return {"statusCode": 201, "headers": {"X-Made": "yes"}, "body": json.dumps(event)}
"""
GUARD = """
def handler(event, context):
    if event["authorizationToken"] == "stop":
        raise Exception("Unauthorized")
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}
    return {"principalId": "user-123456789", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
"""


def boto(world: World) -> Any:
    return boto3.client(
        "apigateway",
        endpoint_url=world.sandbox.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


async def method_of(world: World, stage: str) -> dict[str, str]:
    """The ids of ``POST /chat`` of an API made by ``World.rest_api``."""
    api = stage.split("/")[-2]
    items = (await world.aws("apigateway", "GetResources", restApiId=api))["items"]
    chat = next(item["id"] for item in items if item["path"] == "/chat")
    return {"restApiId": api, "resourceId": chat, "httpMethod": "POST"}


def test_a_method_is_tried_without_a_deployment(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        at = await method_of(world, await world.rest_api("f"))
        await world.aws(
            "apigateway",
            "UpdateMethod",
            **at,
            patchOperations=[{"op": "replace", "path": "/authorizationType", "value": "AWS_IAM"}],
        )
        client = boto(world)
        made = await asyncio.to_thread(
            client.test_invoke_method,
            **at,
            pathWithQueryString="/chat?a=1&a=2",
            body="hello",
            multiValueHeaders={"X-Two": ["1", "2"]},
            stageVariables={"model": "small"},
        )
        event = json.loads(made["body"])
        assert made["status"] == 201  # though nobody signed for the method
        assert (made["headers"]["X-Made"], made["multiValueHeaders"]["X-Made"]) == ("yes", ["yes"])
        assert made["headers"]["X-Amzn-Trace-Id"].startswith("Root=1-")
        assert "x-amz-apigw-id" not in {name.lower() for name in made["headers"]}
        assert event["multiValueHeaders"] == {"X-Two": ["1", "2"]}
        assert (event["path"], event["queryStringParameters"]) == ("/chat", {"a": "2"})
        assert event["stageVariables"] == {"model": "small"}
        context = event["requestContext"]
        assert (context["stage"], context["domainName"]) == ("test-invoke-stage", "testPrefix.testDomainName")
        assert (context["domainPrefix"], context["path"]) == ("testPrefix", "/chat")
        identity = context["identity"]
        assert identity["sourceIp"] == "test-invoke-source-ip"
        assert (identity["apiKey"], identity["apiKeyId"]) == ("test-invoke-api-key", "test-invoke-api-key-id")
        assert (identity["accessKey"], identity["userArn"]) == ("test", "arn:aws:iam::000000000000:root")
        lines = made["log"].splitlines()
        assert lines[0] == f"Execution log for request {context['requestId']}"
        texts = [line.partition(" : ")[2] for line in lines[1:]]
        assert texts[:3] == [
            f"Starting execution for request: {context['requestId']}",
            "HTTP Method: POST, Resource Path: /chat",
            "Method request path: {}",
        ]
        assert "Method request headers: {X-Two=1,2}" in texts
        assert any(text.startswith("Received response. Status: 200, Integration latency: ") for text in texts)
        assert texts[-2:] == ["Successfully completed execution", "Method completed with status: 201"]

    play(main)


def test_no_headers_are_null_and_a_path_that_does_not_fit_has_no_parameters(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        at = await method_of(world, await world.rest_api("f"))
        made = await asyncio.to_thread(boto(world).test_invoke_method, **at, pathWithQueryString="/other/1")
        event = json.loads(made["body"])
        assert (event["headers"], event["multiValueHeaders"], event["pathParameters"]) == (None, None, None)
        with pytest.raises(ClientError, match="Invalid Method identifier specified"):
            await asyncio.to_thread(boto(world).test_invoke_method, **{**at, "httpMethod": "PUT"})

    play(main)


@pytest.mark.fact("1.5")
def test_a_slow_function_is_told_as_504_in_a_test_too(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", "import time\ndef handler(e, c): time.sleep(40)", Timeout=60)
        at = await method_of(world, await world.rest_api("f"))
        made = await world.aws("apigateway", "TestInvokeMethod", **at)
        assert (made["status"], made["body"]) == (504, '{"message": "Endpoint request timed out"}')
        assert made["latency"] == 29_000
        assert "Execution failed due to a timeout error" in made["log"]
        assert made["log"].splitlines()[-1].endswith("Method completed with status: 504")

    play(main)


@pytest.mark.fact("1.32")
def test_a_stream_is_buffered_until_its_end_or_35_seconds(play: Play) -> None:
    async def main(world: World) -> None:
        await world.pieces("f", Timeout=900)
        at = await method_of(world, await world.rest_stream("f"))

        async def ask(**pieces: Any) -> tuple[Any, float]:
            began = world.clock.now()
            made = await world.aws("apigateway", "TestInvokeMethod", **at, body=json.dumps(pieces))
            return made, world.clock.now() - began

        made, seconds = await ask(n=3, gap=10)
        assert (made["status"], made["body"]) == (200, "data: 0\n\ndata: 1\n\ndata: 2\n\n")
        assert (made["latency"], seconds) == (30_000, pytest.approx(30, abs=1e-3))
        assert made.get("log", "") == ""
        made, seconds = await ask(n=9, gap=10)
        assert made["body"] == "data: 0\n\ndata: 1\n\ndata: 2\n\n"
        assert (made["status"], made["latency"]) == (200, 35_000)

    play(main)


@pytest.mark.fact("1.32")
def test_a_stream_without_headers_in_35_seconds_has_status_0(play: Play) -> None:
    async def main(world: World) -> None:
        await world.node(
            "f",
            "export const handler = awslambda.streamifyResponse(async (e, s) => {"
            "await new Promise((r) => setTimeout(r, 60000)); s.end(); });",
            Timeout=900,
        )
        at = await method_of(world, await world.rest_stream("f"))
        made = await world.aws("apigateway", "TestInvokeMethod", **at)
        assert (made["status"], made["body"], made["latency"]) == (0, "", 35_000)

    play(main)


@pytest.mark.fact("1.32")
def test_a_stream_is_buffered_up_to_1_mb(play: Play) -> None:
    async def main(world: World) -> None:
        await world.pieces("f", Timeout=900)
        at = await method_of(world, await world.rest_stream("f"))
        body = json.dumps({"n": 6, "gap": 1, "size": 300_000})
        made = await world.aws("apigateway", "TestInvokeMethod", **at, body=body)
        assert 1_048_576 < len(made["body"]) <= 1_200_000
        assert made["latency"] == 4_000

    play(main)


def test_an_authorizer_is_tried(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        await world.python("guard", GUARD)
        at = await method_of(world, await world.rest_api("f"))
        await world.aws(
            "lambda",
            "AddPermission",
            FunctionName="guard",
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )
        arn = "arn:aws:lambda:us-east-1:000000000000:function:guard"
        made = await world.aws(
            "apigateway",
            "CreateAuthorizer",
            restApiId=at["restApiId"],
            name="guard",
            type="TOKEN",
            identitySource="method.request.header.X-Token",
            authorizerUri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
        )
        who = {"restApiId": at["restApiId"], "authorizerId": made["id"]}
        client = boto(world)
        tried = await asyncio.to_thread(client.test_invoke_authorizer, **who, headers={"X-Token": "go-on"})
        assert (tried["clientStatus"], tried["principalId"]) == (0, "user-123456789")
        (statement,) = json.loads(tried["policy"])["Statement"]
        where = f"arn:aws:execute-api:us-east-1:000000000000:{at['restApiId']}/ESTestInvoke-stage/GET/"
        assert statement["Resource"] == where
        assert "Using valid authorizer policy for principal: ********456789" in tried["log"]
        for headers in ({"X-Token": "stop"}, {}):
            tried = await asyncio.to_thread(client.test_invoke_authorizer, **who, headers=headers)
            assert (tried["clientStatus"], tried["log"].splitlines()[-1][-12:]) == (401, "Unauthorized")
            assert "policy" not in tried

    play(main)
