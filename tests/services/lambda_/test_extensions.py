"""External and internal extensions, and the shutdown phase."""

from __future__ import annotations

import json
import sys

import pytest
from lambda_support import World, zipped

EXTENSION = """#!%s
import http.client, json, os, sys, time
host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
api = http.client.HTTPConnection(host, int(port))
def call(method, path, headers, body=None):
    api.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = api.getresponse()
    return answer, json.loads(answer.read())
name = os.path.basename(sys.argv[0])
answer, body = call("POST", "register", {"Lambda-Extension-Name": name}, json.dumps({"events": %s}))
print("registered", answer.status, json.dumps(body, sort_keys=True), flush=True)
me = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}
while True:
    answer, event = call("GET", "event/next", me)
    print("event", event["eventType"], event.get("shutdownReason", event.get("requestId")), flush=True)
    %s
"""


def layer(events: list[str], work: str = "pass", name: str = "watcher"):
    script = EXTENSION % (sys._base_executable, json.dumps(events), work)  # type: ignore[attr-defined]
    path = f"extensions/{name}"
    return ("arn:aws:lambda:us-east-1:000000000000:layer:e:1", zipped({path: script}, (path,)))


def lines(world: World) -> list[str]:
    return [e.data["line"] for e in world.events("log")]


@pytest.mark.fact("4.26")
def test_an_external_extension_sees_invocations_and_the_shutdown(lambda_world):
    async def main(world: World) -> None:
        code = "def handler(e, c): return 1"
        work = 'time.sleep(0.5); print("worked", flush=True)'
        world.function(code=code, layers=(layer(["INVOKE", "SHUTDOWN"], work),))
        result = await world.invoke()
        assert result.payload == b"1"
        assert world.sandbox.clock.now() == 0.0  # the answer does not wait for the extension
        await world.rest()
        assert lines(world) == [
            'registered 200 {"functionName": "f", "functionVersion": "$LATEST", "handler": "index.handler"}',
            f"event INVOKE {result.request_id}",
            "worked",
        ]
        assert world.events("invocation_ended")[0].data["duration_ms"] == 500.0  # but it is billed
        world.function(code=code + " + 1")
        before = world.sandbox.clock.now()
        assert (await world.invoke()).payload == b"2"
        assert world.sandbox.clock.now() == before  # nor for the shutdown of the old environment
        await world.rest()
        assert "event SHUTDOWN SPINDOWN" in lines(world)
        stopped = world.events("environment_stopped")[0]
        assert stopped.at - before == pytest.approx(2.0)  # it does not end by itself: the time is up

    lambda_world(main)


def test_the_environment_freezes_only_when_extensions_wait_too(lambda_world):
    async def main(world: World) -> None:
        code = "def handler(e, c): return 1"
        world.function(code=code, layers=(layer(["INVOKE"], "time.sleep(3)"),), timeout_s=10)
        await world.invoke()
        await world.rest()
        assert world.events("environment_frozen")[0].at == 3.0

    lambda_world(main)


def test_the_time_of_extensions_counts_towards_the_timeout(lambda_world):
    async def main(world: World) -> None:
        code = "def handler(e, c): return 1"
        world.function(code=code, layers=(layer(["INVOKE"], "time.sleep(30)"),), timeout_s=10)
        assert (await world.invoke()).payload == b"1"  # the answer was there before
        await world.rest()
        assert world.events("invocation_ended")[0].data["duration_ms"] == 10_000.0
        assert world.events("environment_stopped")[0].data["reason"] == "Sandbox.Timedout"

    lambda_world(main)


def test_an_extension_that_polls_next_itself_is_the_runtime(lambda_world):
    """The way of the Lambda Web Adapter: the wrapper starts a server, the extension forwards invocations to it."""
    adapter = """#!%s
import http.client, json, os, threading
host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
def register():
    api = http.client.HTTPConnection(host, int(port))
    api.request("POST", "/2020-01-01/extension/register", '{"events": []}', {"Lambda-Extension-Name": "adapter"})
    answer = api.getresponse(); answer.read()
    me = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}
    api.request("GET", "/2020-01-01/extension/event/next", None, me)
    threading.Thread(target=lambda: api.getresponse().read(), daemon=True).start()
register()
api = http.client.HTTPConnection(host, int(port))
base = "/2018-06-01/runtime/invocation/"
while True:
    api.request("GET", base + "next")
    answer = api.getresponse(); event = answer.read()
    api.request("POST", base + answer.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", b"adapted " + event)
    api.getresponse().read()
"""

    async def main(world: World) -> None:
        files = {
            "extensions/adapter": adapter % sys._base_executable,  # type: ignore[attr-defined]
            "wrap": "#!/bin/sh\nexec sleep 100000\n",
        }
        code = zipped(files, tuple(files))
        world.function(
            code="not = used",
            layers=(("arn:aws:lambda:us-east-1:000000000000:layer:a:1", code),),
            environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"},
        )
        for _ in range(2):
            assert (await world.invoke(payload=b"{}")).payload == b"adapted {}"
        assert len(world.events("environment_started")) == 1

    lambda_world(main)


def test_an_extension_that_crashes_fails_the_initialization(lambda_world):
    async def main(world: World) -> None:
        script = "#!/bin/sh\nexit 3\n"
        bad = (
            "arn:aws:lambda:us-east-1:000000000000:layer:a:1",
            zipped({"extensions/x": script}, ("extensions/x",)),
        )
        world.function(code="def handler(e, c): return 1", layers=(bad,))
        result = await world.invoke()
        assert json.loads(result.payload)["errorType"] == "Extension.Crash"

    lambda_world(main)
