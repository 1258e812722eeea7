"""How functions fail: timeout, exit, memory, initialization; and what callers and logs see."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from lambda_support import World, zipped

from sandbox.timeline import Event


def tail(result) -> str:
    return base64.b64decode(result.log_tail).decode()


@pytest.mark.fact("4.1", "4.16")
def test_a_timeout_kills_the_processes_at_its_exact_instant(lambda_world):
    code = "import os, time\ndef handler(e, c):\n    print(os.getpid(), flush=True)\n    time.sleep(1000)"

    async def main(world: World) -> None:
        world.function(code=code, timeout_s=29)
        result = await world.invoke(log_tail=True)
        assert world.sandbox.clock.now() == 29.0
        assert json.loads(result.payload) == {
            "errorType": "Sandbox.Timedout",
            "errorMessage": f"RequestId: {result.request_id} Error: Task timed out after 29.00 seconds",
        }
        assert result.function_error == "Unhandled"
        log = tail(result)
        assert f" {result.request_id} Task timed out after 29.00 seconds\n\n" in log
        assert "Duration: 29000.00 ms\tBilled Duration: 29000 ms" in log
        assert "\tStatus: timeout\n" in log
        pid = int(world.events("log")[0].data["line"])
        assert _state(pid) == "gone"
        assert (await world.invoke(log_tail=True)).function_error
        assert len(world.events("environment_started")) == 2

    lambda_world(main)


def test_a_busy_loop_meets_its_timeout_on_the_real_clock(lambda_world):
    async def main(world: World) -> None:
        world.function(code="def handler(e, c):\n    while True: pass", timeout_s=1)
        assert b"Task timed out after 1.00 seconds" in (await world.invoke()).payload

    lambda_world(main, kind="real")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os\ndef handler(e, c): os._exit(0)", "Runtime exited without providing a reason"),
        ("import os\ndef handler(e, c): os._exit(7)", "Runtime exited with error: exit status 7"),
        (
            "import os\ndef handler(e, c): os.kill(os.getpid(), 9)",
            "Runtime exited with error: signal: killed",
        ),
    ],
)
def test_a_process_that_ends_is_an_exit_error(lambda_world, code, message):
    async def main(world: World) -> None:
        world.function(code=code)
        result = await world.invoke(log_tail=True)
        text = f"RequestId: {result.request_id} Error: {message}"
        assert json.loads(result.payload) == {"errorType": "Runtime.ExitError", "errorMessage": text}
        assert f"{text}\nRuntime.ExitError\nEND RequestId" in tail(result)
        assert "\tStatus: error\tError Type: Runtime.ExitError\n" in tail(result)
        assert world.events("environment_stopped")[0].data["reason"] == "Runtime.ExitError"

    lambda_world(main)


@pytest.mark.parametrize("kind", ["virtual", "real"])
def test_too_much_memory_kills_the_function(lambda_world, kind):
    code = """
def handler(event, context):
    kept = [bytearray(b"x" * 2**20) for _ in range(event["mb"])]
    import time; time.sleep(0.5)
    return len(kept)
"""

    async def main(world: World) -> None:
        world.function(code=code, memory_mb=128, timeout_s=20)
        assert (await world.invoke(payload=b'{"mb": 20}')).payload == b"20"
        result = await world.invoke(payload=b'{"mb": 300}', log_tail=True)
        text = f"RequestId: {result.request_id} Error: Runtime exited with error: signal: killed"
        assert json.loads(result.payload) == {"errorType": "Runtime.OutOfMemory", "errorMessage": text}
        assert "\tError Type: Runtime.OutOfMemory\n" in tail(result)

    lambda_world(main, kind=kind)


@pytest.mark.fact("4.23")
def test_a_failed_initialization_is_tried_once_more_in_the_invocation(lambda_world):
    async def main(world: World) -> None:
        world.function(code="print('starting')\nraise SystemExit(3)")
        result = await world.invoke(log_tail=True)
        lines = tail(result).splitlines()
        report = "INIT_REPORT Init Duration: 0.00 ms\tPhase: {}\tStatus: error\tError Type: Runtime.ExitError"
        assert lines[:4] == ["starting", report.format("init"), "starting", report.format("invoke")]
        assert lines[4].startswith("START RequestId")
        assert json.loads(result.payload)["errorType"] == "Runtime.ExitError"

    lambda_world(main)


def test_an_import_error_is_what_the_client_reports(lambda_world):
    async def main(world: World) -> None:
        world.function("p", code="import nothing_like_it")
        result = await world.invoke("p")
        assert json.loads(result.payload)["errorType"] == "Runtime.ImportModuleError"
        world.function("n", runtime="nodejs24.x", code="import 'nothing-like-it';")
        result = await world.invoke("n")
        assert "nothing-like-it" in json.loads(result.payload)["errorMessage"]
        world.function("o", runtime="nodejs22.x", code="export const other = 1;")
        result = await world.invoke("o")
        assert json.loads(result.payload)["errorType"] == "Runtime.HandlerNotFound"

    lambda_world(main)


@pytest.mark.fact("4.23")
def test_a_slow_initialization_is_cut_at_10_s_and_tried_again_within_the_functions_timeout(lambda_world):
    code = "import time\ntime.sleep(12)\ndef handler(e, c): return c.get_remaining_time_in_millis()"

    async def main(world: World) -> None:
        world.function(code=code, timeout_s=60)
        result = await world.invoke(log_tail=True)
        assert json.loads(result.payload) == 48_000
        assert world.sandbox.clock.now() == 22.0
        assert "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout\n" in tail(result)
        assert "Duration: 12000.00 ms\tBilled Duration: 12000 ms" in tail(result)
        world.function(code=code, timeout_s=5)
        result = await world.invoke(log_tail=True)
        assert b"Task timed out after 5.00 seconds" in result.payload
        assert world.sandbox.clock.now() == 37.0

    lambda_world(main)


@pytest.mark.parametrize(("as_of", "billed"), [(date(2025, 7, 31), 1500), (date(2025, 8, 1), 3500)])
def test_initialization_is_billed_since_august_2025(lambda_world, as_of, billed):
    code = "import time\ntime.sleep(2)\ndef handler(e, c): time.sleep(1.5)"

    async def main(world: World) -> None:
        world.function(code=code)
        await world.invoke(log_tail=True)
        ended = world.events("invocation_ended")[0].data
        assert (ended["duration_ms"], ended["billed_ms"]) == (1500.0, billed)
        assert world.events("initialized")[0].data["init_ms"] == 2000.0

    lambda_world(main, as_of=as_of)


@pytest.mark.parametrize("runtime", ["nodejs20.x", "nodejs22.x"])
def test_what_a_runtime_says_before_it_exits_counts_more_than_its_exit(lambda_world, runtime):
    code = """
    export const handler = () => new Promise(() => {
      setTimeout(() => { throw new RangeError("nobody caught me"); }, 10);
    });
    """

    async def main(world: World) -> None:
        world.function(runtime=runtime, code=code)
        for _ in range(3):
            result = await world.invoke(log_tail=True)
            body = json.loads(result.payload)
            assert (body["errorType"], body["errorMessage"]) == ("RangeError", "nobody caught me")
            assert "Runtime exited with error: exit status 129" in tail(result)
        assert len(world.events("environment_started")) == 3

    lambda_world(main)


@pytest.mark.parametrize("kind", ["virtual", "real"])
def test_an_error_sent_just_before_the_exit_is_read_although_both_are_seen_at_once(lambda_world, kind):
    bootstrap = f"""#!{sys._base_executable}
import http.client, os, socket
host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
base = "/2018-06-01/runtime/invocation/"
api = http.client.HTTPConnection(host, int(port))
api.request("GET", base + "next")
answer = api.getresponse()
id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
body = b'{{"errorType":"Mine"}}'
head = f"POST {{base}}{{id}}/error HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: {{len(body)}}\\r\\n\\r\\n"
socket.create_connection((host, int(port))).sendall(head.encode() + body)
os._exit(7)
"""  # type: ignore[attr-defined]

    async def main(world: World) -> None:
        code = zipped({"bootstrap": bootstrap}, executable=("bootstrap",))
        world.function(runtime="provided.al2023", code=code)
        loop = asyncio.get_running_loop()

        def look_away(event: Event) -> None:
            if (
                event.name == "invoked"
            ):  # a loop that is busy sees the connection, the error and the exit at once
                loop.call_later(0.02, time.sleep, 0.3)

        world.sandbox.timeline.listen(look_away)
        assert (await world.invoke()).payload == b'{"errorType":"Mine"}'

    lambda_world(main, kind=kind)


def test_a_bootstrap_that_is_not_there_is_an_invalid_entry_point(lambda_world):
    async def main(world: World) -> None:
        world.function(runtime="provided.al2023", code=zipped({"bootstrap": "not executable"}))
        result = await world.invoke()
        assert json.loads(result.payload)["errorType"] == "Runtime.InvalidEntrypoint"

    lambda_world(main)


def test_what_left_the_process_group_dies_with_the_environment(lambda_world):
    code = """
import subprocess
def handler(event, context):
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    print(child.pid, flush=True)
    child.wait()
"""

    async def main(world: World) -> None:
        world.function(code=code, timeout_s=2)
        assert b"timed out" in (await world.invoke()).payload
        pid = int(world.events("log")[0].data["line"])
        for _ in range(1000):
            if _state(pid) in ("gone", "Z"):
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the daemon lives on")

    lambda_world(main, kind="real")


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"


def test_a_process_that_prints_without_end_does_not_hold_up_the_answer(lambda_world):
    code = "import subprocess\ndef handler(e, c):\n    subprocess.Popen(['yes'])\n    return 'ok'"

    async def main(world: World) -> None:
        world.function(code=code)
        for _ in range(3):
            assert (await world.invoke()).payload == b'"ok"'

    lambda_world(main, kind="real")


def test_a_process_that_left_the_group_is_frozen_with_the_others(lambda_world):
    code = (
        "import subprocess\ndef handler(e, c):\n"
        "    return subprocess.Popen(['sleep', '1000'], start_new_session=True).pid"
    )

    async def main(world: World) -> None:
        world.function(code=code)
        daemon = int((await world.invoke()).payload)
        assert await _becomes(daemon, "T")
        assert int((await world.invoke()).payload) != daemon
        assert await _becomes(daemon, "T")

    lambda_world(main, kind="real")


async def _becomes(pid: int, state: str) -> bool:
    for _ in range(1000):
        if _state(pid) == state:
            return True
        await asyncio.sleep(0.01)
    return False
