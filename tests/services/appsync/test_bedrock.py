"""Bedrock's runtime as a data source: whole answers of the mock model, for 10 s."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

import sandbox.clock
from sandbox.app import open_sandbox
from sandbox.control.appsync import DataSource
from sandbox.services.appsync_sources import SourceError, bedrock
from sandbox.services.http_client import HttpClient

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "appsync.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
MESSAGES = [{"role": "user", "content": [{"text": "Tell me a story"}]}]
CONVERSE = {"operation": "Converse", "modelId": MODEL, "messages": MESSAGES}


def asked(document: dict[str, Any], action: str = "bedrock:InvokeModel", **pace: Any) -> tuple[float, Any]:
    """(instant, what the handler gets: a result or an error)."""

    async def main(clock: Any) -> Any:
        async with open_sandbox(clock) as box:
            made = await box.control.call(
                "iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST)
            )
            allow = {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
            }
            named = {"RoleName": "r", "PolicyName": "p", "PolicyDocument": json.dumps(allow)}
            await box.control.call("iam", "PutRolePolicy", **named)
            box.model.configure(**pace)
            source = DataSource("model", "AMAZON_BEDROCK_RUNTIME", made["Role"]["Arn"], {})
            request: Any = SimpleNamespace(sandbox=box, id="r", api=SimpleNamespace(region="us-east-1"))
            client = HttpClient()
            began = clock.now()
            try:
                with clock.in_flight("test"):
                    result: Any = await bedrock.call(request, source, document, client)
            except SourceError as failure:
                result = failure
            took = clock.now() - began
            await client.close()
            return round(took, 3), result

    answer: tuple[float, Any] = sandbox.clock.run(main)
    return answer


@pytest.mark.fact("5.1")
def test_converse() -> None:
    at, result = asked(CONVERSE, first_token=1.0, rate=10, tokens=11)
    assert result["output"]["message"]["content"][0]["text"]
    assert result["usage"]["outputTokens"] == 11
    assert at == 2.0


def test_invoke_model() -> None:
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    _, result = asked({"operation": "InvokeModel", "modelId": MODEL, "body": body})
    assert result["content"][0]["text"]


@pytest.mark.fact("5.1")
def test_an_answer_that_takes_longer_than_10_seconds() -> None:
    at, failure = asked(CONVERSE, first_token=1.0, rate=10, tokens=200)
    assert at == 10.0
    assert (failure.type, failure.message) == ("Bedrock:ExecutionTimeoutException", "Execution timed out.")


def test_a_role_that_may_not_invoke_the_model() -> None:
    _, failure = asked(CONVERSE, action="s3:GetObject")
    assert failure.type == "Bedrock:AccessDeniedException"


def test_errors_of_the_model() -> None:
    _, failure = asked(CONVERSE, fault="error:status=429")
    assert failure.type == "Bedrock:ThrottlingException"


@pytest.mark.parametrize(
    "document", [{"operation": "ConverseStream", "modelId": MODEL}, {"operation": "Converse"}]
)
def test_what_is_no_request(document: dict[str, Any]) -> None:
    assert asked(document)[1].type == "MappingTemplate"


def test_the_helpers_of_handlers(appsync: SimpleNamespace) -> None:
    code = """
    import { converse, invokeModel } from '@aws-appsync/utils/ai';
    export function request(ctx) { return { payload: [converse({ modelId: 'm' }), invokeModel({ body: 1 })] }; }
    export function response(ctx) { return JSON.stringify(ctx.result); }
    """

    async def script(world: Any) -> Any:
        return await world.post("{ hello }")

    document = appsync.play(script, appsync.api(appsync.resolver("Query.hello", code)))
    assert json.loads(document["data"]["hello"]) == [
        {"operation": "Converse", "modelId": "m"},
        {"operation": "InvokeModel", "body": 1},
    ]
