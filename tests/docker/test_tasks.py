"""Tasks of ECS as containers: one by one."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docker.needs import skip_without_images
from tests.docker.tasks import IMAGE, inspected, play

skip_without_images(IMAGE)
pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

HEEDS = "import signal, time; signal.signal(15, lambda *_: exit(7)); print('up')\nwhile True: time.sleep(100)"
HEEDS_NOT = "import time; print('up')\nwhile True: time.sleep(100)"


def test_what_it_finds_around_it_and_how_it_ends() -> None:
    code = """
import json, os, urllib.request as web
metadata = json.load(web.urlopen(os.environ["ECS_CONTAINER_METADATA_URI_V4"] + "/task"))
status = json.load(web.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_sandbox/status"))
models = json.load(web.urlopen(os.environ["OPENAI_BASE_URL"] + "/models"))
authority = open(os.environ["AWS_CA_BUNDLE"]).read()
print(json.dumps({
    "mine": os.environ["MINE"], "family": metadata["Family"], "ready": status["ready"], "models": len(models["data"]),
    "authority": "BEGIN CERTIFICATE" in authority, "folder": os.getcwd(),
}))
print("no newline", end="", flush=True)
os._exit(3)
"""

    async def main(world: Any) -> Any:
        task = await world.start(
            {"code": code, "environment": [{"name": "MINE", "value": "1"}], "workingDirectory": "/srv"}
        )
        await world.until(lambda: task.over)
        return task, world.lines()

    task, lines = play(main)
    assert (task.stop_code, task.containers[0].exit_code) == ("EssentialContainerExited", 3)
    found = json.loads(lines[0])
    assert found.pop("models") > 0
    assert found == {"mine": "1", "family": "f", "ready": True, "authority": True, "folder": "/srv"}
    assert lines[1] == "no newline"


@pytest.mark.parametrize(("code", "expected"), [(HEEDS, 7), (HEEDS_NOT, 137)], ids=["heeded", "not heeded"])
def test_the_stop_signal_then_the_stop_timeout(code: str, expected: int) -> None:
    """The first process of a container has no default for SIGTERM: who does not ask for it is killed."""

    async def main(world: Any) -> Any:
        task = await world.start({"code": code, "stopTimeout": 2})
        await world.line("up")
        await world.call("ecs", "StopTask", task=task.arn)
        await world.until(lambda: task.over)
        return task.containers[0].exit_code

    assert play(main) == expected


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        (
            {"image": "nowhere.invalid/app:1"},
            r"CannotPullContainerError: nowhere.invalid/app:1: .*nowhere\.invalid",
        ),
        (
            {"command": ["no-such-program"]},
            r'CannotStartContainerError: Error response from daemon: .*"no-such-prog',
        ),
    ],
    ids=["image", "command"],
)
def test_what_cannot_start_says_why_in_the_engines_words(container: Any, reason: str) -> None:
    async def main(world: Any) -> Any:
        task = await world.start(container)
        await world.until(lambda: task.over)
        return task.stop_code, task.stopped_reason

    code, told = play(main)
    assert code == "TaskFailedToStart"
    assert re.match(reason, told, re.DOTALL), told


def test_memory_above_the_limit_ends_it() -> None:
    async def main(world: Any) -> Any:
        task = await world.start(
            {"code": "print('up'); held = bytearray(400_000_000); print('held')", "memory": 64}
        )
        await world.until(lambda: task.over)
        return task.containers[0].exit_code, task.containers[0].reason, world.lines()

    code, reason, lines = play(main)
    assert (code, lines) == (137, ["up"])
    assert reason == "OutOfMemoryError: Container killed due to memory usage"


def test_limits_are_the_engines() -> None:
    async def main(world: Any) -> Any:
        ulimits = [{"name": "nofile", "softLimit": 512, "hardLimit": 1024}]
        task = await world.start(
            {"code": HEEDS, "ulimits": ulimits, "user": "65534", "readonlyRootFilesystem": True},
            cpu="512",
            memory="1024",
        )
        await world.line("up")
        [place] = world.sandbox.services["ecs"]._host.runner.places
        return inspected(place.containers[0].id), task.arn

    found, arn = play(main)
    host = found["HostConfig"]
    assert (host["NanoCpus"], host["Memory"], host["MemorySwap"]) == (500_000_000, 2**30, 2**30)
    assert host["ReadonlyRootfs"] is True
    assert [(u["Name"], u["Soft"], u["Hard"]) for u in host["Ulimits"]] == [("nofile", 512, 1024)]
    assert found["Config"]["User"] == "65534"
    assert found["Config"]["Labels"]["genai-streaming-sandbox.task"] == arn


SERVER = """
import http.server, signal
signal.signal(15, lambda *_: exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/" else 500)
        self.end_headers()
print("up")
http.server.ThreadingHTTPServer(("127.0.0.1", 9000), Handler).serve_forever()
"""
ASK = "import urllib.request as web; print(web.urlopen('http://localhost:9000/').status)"


def check(path: str) -> dict[str, Any]:
    """A health check that asks the server."""
    command = f"""python3 -c 'import urllib.request as w; w.urlopen("http://localhost:9000{path}")'"""
    return {"command": ["CMD-SHELL", command], "interval": 5, "retries": 1}


def test_containers_of_a_task_share_localhost_and_wait_for_each_other() -> None:
    async def main(world: Any) -> Any:
        task = await world.start(
            {"code": ASK, "dependsOn": [{"containerName": "c1", "condition": "HEALTHY"}]},
            {"code": SERVER, "healthCheck": check("/"), "essential": False},
        )
        await world.until(lambda: task.over)
        return world.lines(), [c.exit_code for c in task.containers], task.containers[1].health

    lines, codes, health = play(main)
    assert lines == ["200"]
    assert (codes, health) == ([0, 0], "HEALTHY")


def test_a_failing_health_check_is_told() -> None:
    async def main(world: Any) -> Any:
        task = await world.start({"code": SERVER, "healthCheck": check("/broken")})
        await world.until(lambda: task.health == "UNHEALTHY")
        described = await world.call("ecs", "DescribeTasks", tasks=[task.arn])
        return described["tasks"][0]["healthStatus"]

    assert play(main) == "UNHEALTHY"


def test_two_tasks_listen_on_the_same_port_each_at_its_own_address() -> None:
    async def main(world: Any) -> Any:
        server = {"code": SERVER.replace('"127.0.0.1"', '"0.0.0.0"')}
        first, second = await world.start(server), await world.start(server)
        await world.eventually(lambda: len(world.lines()) == 2)
        async with httpx.AsyncClient(trust_env=False) as client:
            for task in (first, second):
                for _ in range(100):  # printed a moment before it listens
                    try:
                        assert (await client.get(f"http://{task.address}:9000/")).status_code == 200
                        break
                    except httpx.ConnectError:
                        await asyncio.sleep(0.05)
                else:
                    raise AssertionError(f"{task.address} does not listen")
        return first.address, second.address

    first, second = play(main)
    assert first != second


def test_an_image_is_built_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        f"FROM {IMAGE}\nRUN echo built > /made\nCOPY app.py /app.py\nSTOPSIGNAL SIGINT\n"
        'CMD ["python3", "-u", "/app.py"]\n'
    )
    (tmp_path / "app.py").write_text(
        "import signal, time; signal.signal(2, lambda *_: exit(9)); print(open('/made').read())\n"
        "while True: time.sleep(100)\n"
    )

    async def main(world: Any) -> Any:
        labels = {"sandbox.context": str(tmp_path)}
        task = await world.start({"image": "mine", "dockerLabels": labels})
        await world.line("built")
        [place] = world.sandbox.services["ecs"]._host.runner.places
        image = inspected(place.containers[0].id)["Image"]
        await world.call("ecs", "StopTask", task=task.arn)
        await world.until(lambda: task.over)
        return image, task.containers[0].exit_code

    image, code = play(main)
    subprocess.run(["docker", "image", "rm", "--force", image], check=True, capture_output=True)
    assert code == 9  # by the image's own stop signal


def test_a_dockerfile_that_cannot_be_built_says_where(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN exit 5\n")

    async def main(world: Any) -> Any:
        task = await world.start({"image": "mine", "dockerLabels": {"sandbox.context": str(tmp_path)}})
        await world.until(lambda: task.over)
        return task.stopped_reason

    told = play(main)
    assert told.startswith(
        f"CannotPullContainerError: {tmp_path}/Dockerfile: The command '/bin/sh -c exit 5'"
    )
    assert told.endswith("(Step 2/3 : RUN exit 5)")
