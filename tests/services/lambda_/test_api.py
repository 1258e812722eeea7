"""The Invoke APIs as unmodified boto3 sees them, over a real socket."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import boto3
import botocore.exceptions
import pytest
import uvicorn
from botocore.config import Config
from lambda_support import World

from sandbox.context import Address


@asynccontextmanager
async def client_of(world: World) -> AsyncIterator[Any]:
    """boto3's Lambda client, talking to the service by HTTP."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = scope["raw_path"].decode()
        match = world.service.match(Address(scope["method"], "h", path, "", {}))
        assert match is not None, path
        scope["aws"] = match
        await world.service(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield boto3.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    server.should_exit = True
    await task


@pytest.fixture
def with_boto3(lambda_world: Callable[..., Any]) -> Callable[..., None]:
    """Runs ``prepare(world)`` and then ``use(client, world)`` in a thread."""

    def run(prepare: Callable[[World], Any], use: Callable[[Any, World], None]) -> None:
        async def main(world: World) -> None:
            prepare(world)
            async with client_of(world) as client:
                await asyncio.to_thread(use, client, world)

        lambda_world(main, kind="real")

    return run


def test_boto3_invokes_and_reads_everything(with_boto3):
    def use(client: Any, world: World) -> None:
        answer = client.invoke(FunctionName="f", Payload=b'{"a": 1}', LogType="Tail")
        assert json.loads(answer["Payload"].read()) == {"a": 1}
        assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
        assert "FunctionError" not in answer
        assert b"REPORT RequestId: " in base64.b64decode(answer["LogResult"])
        request_id = answer["ResponseMetadata"]["RequestId"]
        assert world.events("invocation_ended")[0].id == request_id
        failed = client.invoke(FunctionName="f", Payload=b'"fail"')
        assert (failed["StatusCode"], failed["FunctionError"]) == (200, "Unhandled")
        assert client.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204
        assert client.invoke(FunctionName="f", InvocationType="Event", Payload=b"1")["StatusCode"] == 202
        assert client.invoke_async(FunctionName="f", InvokeArgs=b"1")["Status"] == 202
        arn = world.function("f").arn
        assert client.invoke(FunctionName=arn, Payload=b"2")["Payload"].read() == b"2"

    with_boto3(
        lambda w: w.function(code="def handler(e, c):\n    if e == 'fail': raise OSError\n    return e"), use
    )


def refused(client: Any, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.invoke(**arguments)
    return caught.value.response


@pytest.mark.fact("4.2", "4.3", "4.20")
def test_boto3_gets_lambdas_errors_in_lambdas_shapes(with_boto3):
    def use(client: Any, world: World) -> None:
        missing = refused(client, FunctionName="nobody")
        assert missing["Error"]["Code"] == "ResourceNotFoundException"
        assert (missing["Type"], missing["ResponseMetadata"]["HTTPStatusCode"]) == ("User", 404)
        large = refused(client, FunctionName="f", Payload=b'"' + b"x" * 6291454 + b'"')
        assert large["ResponseMetadata"]["HTTPStatusCode"] == 413
        expected = "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
        assert large["Error"] == {"Code": "RequestEntityTooLargeException", "Message": expected}
        large = refused(
            client, FunctionName="f", InvocationType="Event", Payload=b'"' + b"x" * 1048575 + b'"'
        )
        expected = "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
        assert large["Error"]["Message"] == expected
        bad = refused(client, FunctionName="f", Payload=b"{no")
        assert bad["Error"]["Code"] == "InvalidRequestContentException"
        throttled = refused(client, FunctionName="none")
        assert throttled["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
        assert throttled["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert throttled["ResponseMetadata"]["HTTPStatusCode"] == 429
        unknown = refused(client, FunctionName="f", TenantId="t")
        assert unknown["ResponseMetadata"]["HTTPStatusCode"] == 501
        assert "X-Amz-Tenant-Id" in unknown["Error"]["Message"]

    def prepare(world: World) -> None:
        world.function(code="def handler(e, c): return e")
        world.function("none", code="def handler(e, c): return e", reserved_concurrency=0)

    with_boto3(prepare, use)


@pytest.mark.fact("4.2")
def test_a_response_over_6_mb_is_a_function_error(with_boto3):
    def use(client: Any, world: World) -> None:
        answer = client.invoke(FunctionName="f", Payload=b"6291554")
        assert len(answer["Payload"].read()) == 6291556
        answer = client.invoke(FunctionName="f", Payload=b"6291555")
        assert answer["FunctionError"] == "Unhandled"
        assert json.loads(answer["Payload"].read()) == {
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        }
        assert client.invoke(FunctionName="f", Payload=b"1")["Payload"].read() == b'"x"'

    with_boto3(lambda w: w.function(code="def handler(e, c): return 'x' * e"), use)


@pytest.mark.fact("4.17")
def test_boto3_decodes_a_stream_as_it_comes(with_boto3):
    code = """
    export const handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.setContentType("text/event-stream");
      for (const text of ["one", "two"]) { stream.write(text); await new Promise((r) => setTimeout(r, 50)); }
      if (event.fail) throw new Error("late");
      if (event.wait) await new Promise((r) => setTimeout(r, 5000));
      stream.end();
    });
    """

    def use(client: Any, world: World) -> None:
        answer = client.invoke_with_response_stream(FunctionName="f", LogType="Tail")
        assert answer["ExecutedVersion"] == "$LATEST"
        assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
        events = list(answer["EventStream"])
        assert events[:2] == [{"PayloadChunk": {"Payload": b"one"}}, {"PayloadChunk": {"Payload": b"two"}}]
        assert list(events[2]) == ["InvokeComplete"]
        assert list(events[2]["InvokeComplete"]) == ["LogResult"]
        failed = list(
            client.invoke_with_response_stream(FunctionName="f", Payload=b'{"fail": 1}')["EventStream"]
        )
        complete = failed[-1]["InvokeComplete"]
        assert complete["ErrorCode"] == "Unhandled"
        assert json.loads(complete["ErrorDetails"])["errorMessage"] == "late"
        slow = client.invoke_with_response_stream(FunctionName="f", Payload=b'{"wait": 1}')["EventStream"]
        assert next(iter(slow)) == {"PayloadChunk": {"Payload": b"one"}}
        assert len(world.events("invocation_ended")) == 2  # the first chunk came while the function runs
        slow.close()

    with_boto3(lambda w: w.function(runtime="nodejs24.x", code=code, timeout_s=1), use)
