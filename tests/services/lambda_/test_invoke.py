"""Invoking functions on the real interface clients: buffered, on every runtime of this machine."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from lambda_support import World, zipped

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.services.lambda_.runtimes import RUNTIMES
from sandbox.services.lambda_.runtimes.base import RuntimeMissingError

PYTHON = """
import os, time
def handler(event, context):
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("fail"):
        raise ValueError("no")
    return {"event": event, "left": context.get_remaining_time_in_millis(), "env": dict(os.environ),
            "arn": context.invoked_function_arn, "id": context.aws_request_id,
            "client": getattr(context.client_context, "custom", None), "now": time.time()}
"""
NODE = """
export const handler = async (event, context) => ({
  event, left: context.getRemainingTimeInMillis(), env: process.env, arn: context.invokedFunctionArn,
  id: context.awsRequestId, now: Date.now() / 1000 });
"""


def needs(name: str) -> None:
    try:
        RUNTIMES[name].installed()
    except RuntimeMissingError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("runtime", "code"),
    [
        ("python3.11", PYTHON),
        ("python3.12", PYTHON),
        ("python3.13", PYTHON),
        ("nodejs20.x", NODE),
        ("nodejs22.x", NODE),
        ("nodejs24.x", NODE),
    ],
)
def test_every_runtime_runs_its_official_client(lambda_world, runtime, code):
    needs(runtime)

    async def main(world: World) -> None:
        world.function(runtime=runtime, code=code, environment={"MINE": "x"}, timeout_s=7)
        result = await world.invoke(payload=b'{"a": "\xc3\xa4"}')
        body = json.loads(result.payload)
        assert (result.status, result.function_error, result.executed_version) == (200, None, "$LATEST")
        assert body["event"] == {"a": "ä"}
        assert body["left"] == 7000  # exactly: the process lives on the sandbox's clock
        assert body["arn"].endswith(":function:f")
        assert body["id"] == result.request_id
        assert body["now"] == pytest.approx(world.sandbox.clock.epoch(), abs=0.01)
        env = body["env"]
        assert env["MINE"] == "x"
        assert env["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{runtime}"
        assert env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
        assert env["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
        assert env["OPENAI_BASE_URL"] == "http://127.0.0.1:4566/_llm/v1"
        assert env["TZ"] == ":UTC"
        assert world.sandbox.clock.now() == 0.0

    lambda_world(main)


def test_an_environment_is_reused_and_frozen_between_invocations(lambda_world):
    async def main(world: World) -> None:
        code = "n = 0\ndef handler(e, c):\n    global n\n    n += 1\n    return n"
        world.function(code=code)
        for expected in (b"1", b"2", b"3"):
            assert (await world.invoke()).payload == expected
        assert len(world.events("environment_started")) == 1
        assert [e.data["cold"] for e in world.events("invoked")] == [True, False, False]
        await world.sandbox.clock.settled()
        assert len(world.events("environment_frozen")) == 3
        assert len(world.events("environment_thawed")) == 2

    lambda_world(main)


@pytest.mark.fact("4.24")
def test_background_work_waits_while_the_environment_is_frozen(lambda_world):
    code = """
    let ticks = 0;
    setInterval(() => { ticks += 1; }, 1000);
    export const handler = async () => ticks;
    """

    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code=code)
        assert (await world.invoke()).payload == b"0"
        await asyncio.sleep(60)
        second = json.loads((await world.invoke()).payload)
        assert second <= 1, "a minute's ticks happened although the process was stopped"

    lambda_world(main)


def test_concurrent_invocations_get_an_environment_each_and_the_last_used_is_taken_first(lambda_world):
    async def main(world: World) -> None:
        world.function(code=PYTHON)
        results = await asyncio.gather(*(world.invoke(payload=b'{"sleep": 1}') for _ in range(3)))
        assert all(r.function_error is None for r in results)
        assert len(world.events("environment_started")) == 3
        assert world.sandbox.clock.now() == pytest.approx(1.0)
        await world.sandbox.clock.settled()
        last = world.events("environment_frozen")[-1].data["environment"]
        await world.invoke()
        assert world.events("invoked")[-1].data["environment"] == last

    lambda_world(main)


def test_a_changed_function_gets_new_processes(lambda_world):
    async def main(world: World) -> None:
        world.function(code="def handler(e, c): return 'old'")
        assert (await world.invoke()).payload == b'"old"'
        world.function(code="def handler(e, c): return 'new'")
        assert (await world.invoke()).payload == b'"new"'
        await world.sandbox.clock.settled()
        assert [e.data["reason"] for e in world.events("environment_stopped")] == ["SPINDOWN"]

    lambda_world(main)


def test_a_function_error_is_the_handlers_own_payload(lambda_world):
    async def main(world: World) -> None:
        world.function(code=PYTHON)
        result = await world.invoke(payload=b'{"fail": true}')
        body = json.loads(result.payload)
        assert (result.status, result.function_error) == (200, "Unhandled")
        assert (body["errorType"], body["errorMessage"]) == ("ValueError", "no")
        assert body["requestId"] == result.request_id

    lambda_world(main)


def test_the_tail_of_the_log_has_the_platforms_lines(lambda_world):
    async def main(world: World) -> None:
        world.function(code="def handler(e, c):\n    print('one')\n    print('two', end='')")
        result = await world.invoke(log_tail=True)
        lines = base64.b64decode(result.log_tail or "").decode().splitlines()
        request = result.request_id
        assert lines[:4] == [
            f"START RequestId: {request} Version: $LATEST",
            "one",
            "two",
            f"END RequestId: {request}",
        ]
        assert lines[4].startswith(f"REPORT RequestId: {request}\tDuration: 0.00 ms\tBilled Duration: 1 ms\t")
        assert "\tInit Duration: 0.00 ms\t" in lines[4]
        assert [e.data["line"] for e in world.events("log")] == ["one", "two"]
        await world.rest()
        assert "one\n" in world.control.logged()

    lambda_world(main)


def test_an_error_keeps_its_lines_together_in_the_log(lambda_world):
    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code="export const handler = async () => console.log('a\\nb');")
        await world.invoke()
        assert world.events("log")[0].data["line"].endswith("\tINFO\ta\nb")

    lambda_world(main)


def test_the_client_context_reaches_the_function(lambda_world):
    async def main(world: World) -> None:
        world.function(code=PYTHON)
        context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
        body = json.loads((await world.invoke(client_context=context)).payload)
        assert body["client"] == {"k": "v"}
        with pytest.raises(AwsError) as refused:
            await world.invoke(client_context="%%%")
        assert refused.value.code == "InvalidRequestContentException"

    lambda_world(main)


def test_a_custom_runtime_is_its_bootstrap_from_the_code_or_a_layer(lambda_world):
    bootstrap = """#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while true; do
  headers=$(mktemp)
  event=$(curl -sS -D "$headers" "$api/next")
  id=$(grep -i '^Lambda-Runtime-Aws-Request-Id' "$headers" | tr -d '[:space:]' | cut -d: -f2)
  curl -sS -o /dev/null "$api/$id/response" -d "got $event in $(basename "$PWD" | cut -c1-4) by $_HANDLER"
done
"""

    async def main(world: World) -> None:
        code = zipped({"bootstrap": bootstrap}, executable=("bootstrap",))
        world.function("own", runtime="provided.al2023", handler="h", code=code)
        assert (await world.invoke("own")).payload == b"got {} in task by h"
        layer = ("arn:aws:lambda:us-east-1:000000000000:layer:l:1", code)
        world.function("layered", runtime="provided.al2", code=zipped({"x": ""}), layers=(layer,))
        assert (await world.invoke("layered", b"1")).payload.startswith(b"got 1")

    lambda_world(main)


def test_a_layer_brings_python_modules(lambda_world):
    async def main(world: World) -> None:
        layer = ("arn:aws:lambda:us-east-1:000000000000:layer:l:1", zipped({"python/extra.py": "X = 'y'"}))
        world.function(code="import boto3, extra\ndef handler(e, c): return extra.X", layers=(layer,))
        assert (await world.invoke()).payload == b'"y"'

    lambda_world(main)


def test_an_exec_wrapper_starts_the_runtime(lambda_world):
    wrapper = '#!/bin/sh\nexport WRAPPED="$(basename "$1")"\nexec "$@"\n'

    async def main(world: World) -> None:
        layer = ("arn:aws:lambda:us-east-1:000000000000:layer:l:1", zipped({"wrap": wrapper}, ("wrap",)))
        world.function(
            code="import os\ndef handler(e, c): return os.environ['WRAPPED']",
            layers=(layer,),
            environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"},
        )
        assert (await world.invoke()).payload == b'"python3.11"'

    lambda_world(main)


def test_what_does_not_exist_is_refused_by_name(lambda_world):
    async def main(world: World) -> None:
        with pytest.raises(AwsError) as missing:
            await world.invoke("nobody")
        assert (missing.value.status, missing.value.code) == (404, "ResourceNotFoundException")
        expected = "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"
        assert missing.value.message == expected
        world.function(runtime="java21", code=zipped({"a": ""}))
        with pytest.raises(NotEmulatedError, match="java21"):
            await world.invoke()
        world.function(runtime="python3.11", code=b"no zip")
        with pytest.raises(AwsError, match="Could not unzip"):
            await world.invoke()

    lambda_world(main)


def test_a_runtime_that_is_not_installed_says_what_to_install(lambda_world, monkeypatch, tmp_path):
    monkeypatch.setenv("SANDBOX_RUNTIMES_DIR", str(tmp_path / "none"))

    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code=NODE)
        with pytest.raises(AwsError) as refused:
            await world.invoke()
        assert refused.value.status == 501
        assert "python -m sandbox.services.lambda_.install nodejs24.x" in refused.value.message

    lambda_world(main)
