"""Tasks as processes: what they find around them, how they end, and what is said about it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from sandbox.services import loopback
from sandbox.services.ecs import variables

WAIT = "import time; print('up'); time.sleep(100000)"


def test_a_task_that_ends_by_itself(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        task = await world.start({"code": "import sys; print('bye'); sys.exit(3)"})
        await world.until(lambda: task.over)
        return await world.describe(task), world.lines()

    task, lines = ecs(main)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "EssentialContainerExited")
    assert task["stoppedReason"] == "Essential container in task exited"
    assert task["containers"][0]["exitCode"] == 3
    assert lines == ["bye"]
    assert {"createdAt", "startedAt", "stoppingAt", "stoppedAt", "pullStartedAt"} <= task.keys()


def test_states_on_the_way(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        states: list[str] = []
        task = await world.start({"code": WAIT})

        def note() -> None:
            if not states or states[-1] != task.last_status:
                states.append(task.last_status)

        world.sandbox.control.containers.changes.listen(note)
        await world.until(lambda: task.last_status == "RUNNING")
        await asyncio.sleep(60)
        await world.aws("StopTask", task=task.arn, reason="enough")
        await world.until(lambda: task.over)
        return (
            states,
            await world.describe(task),
            [e for e in world.sandbox.timeline if e.name == "task_stopped"],
        )

    states, task, [stopped] = ecs(main)
    assert states == ["PENDING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough")
    assert task["containers"][0]["exitCode"] == 143
    assert stopped.data["seconds"] == 60
    assert (stopped.data["cpu"], stopped.data["memory"]) == ("256", "512")


@pytest.mark.parametrize(("limit", "seconds"), [({}, 30), ({"stopTimeout": 7}, 7)])
def test_what_does_not_heed_sigterm_is_killed_after_its_stop_timeout(
    ecs: Any, limit: Any, seconds: int
) -> None:
    code = "import signal, time; signal.signal(15, lambda *_: print('no')); print('up')\nwhile True: time.sleep(1000)"

    async def main(world: Any) -> Any:
        task = await world.start({"code": code, **limit})
        await asyncio.sleep(1)
        begun = world.clock.now()
        await world.aws("StopTask", task=task.arn)
        await world.until(lambda: task.over)
        return round(world.clock.now() - begun, 6), task.containers[0].exit_code, world.lines()

    assert ecs(main) == (seconds, 137, ["up", "no"])


def test_variables_secrets_and_overrides(ecs: Any) -> None:
    code = "import os, json; print(json.dumps(dict(os.environ)))"

    async def main(world: Any) -> Any:
        call = world.sandbox.control.call
        await call("ssm", "PutParameter", Name="/app/key", Value="parameter", Type="SecureString")
        secret = await call("secretsmanager", "CreateSecret", Name="s", SecretString='{"user": "ada"}')
        definition = await world.define(
            {
                "code": code,
                "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "secrets": [
                    {"name": "KEY", "valueFrom": "/app/key"},
                    {"name": "USER_NAME", "valueFrom": f"{secret['ARN']}:user::"},
                ],
            }
        )
        overrides = {
            "containerOverrides": [{"name": "app", "environment": [{"name": "B", "value": "other"}]}]
        }
        answer = await world.aws("RunTask", taskDefinition=definition, overrides=overrides)
        task = world.sandbox.control.containers.tasks[answer["tasks"][0]["taskArn"]]
        await world.until(lambda: task.over)
        return json.loads(world.lines()[0]), world.sandbox.endpoint

    found, endpoint = ecs(main)
    assert {name: found[name] for name in ("A", "B", "KEY", "USER_NAME")} == {
        "A": "1", "B": "other", "KEY": "parameter", "USER_NAME": "ada",
    }  # fmt: skip
    assert found["AWS_EXECUTION_ENV"] == "AWS_ECS_FARGATE"
    assert found["AWS_ENDPOINT_URL"] == endpoint
    assert found["OPENAI_BASE_URL"] == f"{endpoint}/_llm/v1"


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"image": "nowhere/app:1"}, "CannotPullContainerError: there is no image nowhere/app:1"),
        (
            {"command": ["no-such-program"]},
            'CannotStartContainerError: .*exec: "no-such-program": executable file not',
        ),
        (
            {"secrets": [{"name": "K", "valueFrom": "/gone"}]},
            "ResourceInitializationError: unable to pull secrets .*/gone",
        ),
        (
            {
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "gone", "awslogs-region": "x"},
                }
            },
            "ResourceInitializationError: failed to validate logger args: .*ResourceNotFoundException",
        ),
    ],
    ids=["image", "command", "secret", "log group"],
)
def test_what_cannot_start_says_why(ecs: Any, container: Any, reason: str) -> None:
    async def main(world: Any) -> Any:
        task = await world.start(container)
        await world.until(lambda: task.over)
        return task.stop_code, task.stopped_reason

    code, told = ecs(main)
    assert code == "TaskFailedToStart"
    assert re.match(reason, told)


def test_lines_go_to_cloudwatch_within_5_s(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        call = world.sandbox.control.call
        await call("logs", "CreateLogGroup", logGroupName="g")
        options = {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}
        driver = {"logDriver": "awslogs", "options": options}
        task = await world.start(
            {"code": "import time\nfor n in range(3): print(n); time.sleep(2)", "logConfiguration": driver}
        )
        await asyncio.sleep(5.5)
        names = {"logGroupName": "g", "logStreamName": f"p/app/{task.id}"}
        early = await call("logs", "GetLogEvents", **names)
        await world.until(lambda: task.over)
        return [e["message"] for e in early["events"]]

    assert ecs(main) == ["0", "1", "2"]


def test_every_task_listens_on_the_same_port_at_its_own_address(ecs: Any) -> None:
    code = (
        "import http.server, socket\n"
        "socket.create_server(('127.0.0.1', 9000))\n"
        "http.server.ThreadingHTTPServer(('0.0.0.0', 8080), http.server.SimpleHTTPRequestHandler).serve_forever()"
    )

    async def main(world: Any) -> Any:
        definition = await world.define({"code": code, "portMappings": [{"containerPort": 8080}]})
        await world.aws("RunTask", taskDefinition=definition, count=3)
        await asyncio.sleep(1)
        found = []
        async with httpx.AsyncClient(trust_env=False) as client:
            for task in world.running():
                found.append((await client.get(f"http://{task.address}:8080/")).status_code)
                with pytest.raises(httpx.ConnectError):  # what it binds on localhost is its own
                    await client.get(f"http://{task.address}:9000/")
        return found, len({task.address for task in world.running()})

    assert ecs(main) == ([200] * 3, 3)


def test_a_node_container_has_its_own_address_too(ecs: Any) -> None:
    code = "require('http').createServer((q, r) => r.end('node')).listen(8080)"

    async def main(world: Any) -> Any:
        command = {
            "image": "node:24",
            "command": ["node", "-e", code],
            "portMappings": [{"containerPort": 8080}],
        }
        definition = await world.define(command)
        await world.aws("RunTask", taskDefinition=definition, count=2)
        await asyncio.sleep(1)
        async with httpx.AsyncClient(trust_env=False) as client:
            return [(await client.get(f"http://{task.address}:8080/")).text for task in world.running()]

    assert ecs(main) == ["node", "node"]


def test_containers_wait_for_what_they_depend_on(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        check = {"command": ["CMD-SHELL", "test -f $HOME/ready"], "interval": 5, "retries": 2, "timeout": 3}
        sidecar = (
            "import os, time; time.sleep(12); open(os.environ['HOME'] + '/ready', 'w'); print('ready'); "
            "time.sleep(1000)"
        )
        waits = [
            {"containerName": "c1", "condition": "HEALTHY"},
            {"containerName": "c2", "condition": "SUCCESS"},
        ]
        task = await world.start(
            {"code": "print('app')", "dependsOn": waits},
            {"code": sidecar, "essential": False, "healthCheck": check},
            {"code": "print('migrated')", "essential": False},
        )
        await world.until(lambda: task.over)
        began = (task.started - task.created).total_seconds()
        return world.lines(), began, [c.health for c in task.containers]

    lines, began, health = ecs(main)
    assert lines == ["migrated", "ready", "app"]
    assert began == 15
    assert health == ["UNKNOWN", "HEALTHY", "UNKNOWN"]


def test_a_container_over_its_memory_is_killed(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        task = await world.start(
            {"code": "x = bytearray(200_000_000); import time; time.sleep(1000)", "memory": 128}
        )
        await world.until(lambda: task.over)
        return task.containers[0].exit_code, task.containers[0].reason

    assert ecs(main) == (137, "OutOfMemoryError: Container killed due to memory usage")


def test_the_metadata_endpoint(ecs: Any) -> None:
    ask = "urlopen(os.environ['ECS_CONTAINER_METADATA_URI_V4'] + '/task').read().decode()"
    code = f"import os; from urllib.request import urlopen; print({ask})"

    async def main(world: Any) -> Any:
        task = await world.start({"code": code})
        await world.until(lambda: task.over)
        return json.loads(world.lines()[0]), task

    found, task = ecs(main)
    assert found["TaskARN"] == task.arn
    assert (found["Family"], found["Limits"]) == ("app", {"CPU": 0.25, "Memory": 512})
    assert found["Containers"][0]["Name"] == "app"


def test_nothing_is_left_behind(ecs: Any) -> None:
    start = "subprocess.Popen(['sleep', '1000'], start_new_session=True)"

    async def main(world: Any) -> Any:
        await world.start({"code": f"import subprocess, time; {start}; print('up'); time.sleep(1000)"})
        await asyncio.sleep(1)
        assert world.lines() == ["up"]
        return world.clock.watched(), world.sandbox.settings.data_dir

    watched, folder = ecs(main)
    assert len(watched) >= 2
    assert [pid for pid in watched if pid != os.getpid() and lives(pid)] == []
    assert not folder.exists()


def test_what_a_container_left_behind_ends_with_it(ecs: Any) -> None:
    start = "p = [subprocess.Popen(['sleep', '1000'], start_new_session=new).pid for new in (False, True)]"

    async def main(world: Any) -> Any:
        task = await world.start({"code": f"import subprocess; {start}; print(*p)"})
        await world.until(lambda: task.over)
        return await asyncio.to_thread(survivors, [int(pid) for pid in world.lines()[0].split()])

    assert ecs(main) == []


def survivors(pids: list[int]) -> list[int]:
    """Those that live on; what was killed takes its time to die."""
    for _ in range(500):
        if not any(map(lives, pids)):
            break
        time.sleep(0.01)
    return [pid for pid in pids if lives(pid)]


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_boto3_reads_what_there_is(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        task = await world.start({"code": WAIT})
        await world.until(lambda: task.last_status == "RUNNING")

        def ask() -> Any:
            keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
            client = boto3.client("ecs", endpoint_url=world.sandbox.endpoint, **keys)
            client.get_waiter("tasks_running").wait(tasks=[task.arn])
            return client.describe_tasks(tasks=[task.arn])["tasks"][0], client.list_tasks()["taskArns"]

        return await asyncio.to_thread(ask), task

    (shown, listed), task = ecs(main)
    assert listed == [task.arn]
    assert shown["lastStatus"] == "RUNNING"
    assert shown["attachments"][0]["details"] == [{"name": "privateIPv4Address", "value": task.address}]


def test_port_80_is_another_one_underneath_for_those_who_may_not_listen_on_it(
    ecs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (loopback, variables):
        monkeypatch.setattr(module, "privileged", lambda: 1024)
    code = "import socket; s = socket.create_server(('', 80)); print(s.getsockname()[1]); s.accept()"
    script = "const s = require('net').createServer().listen(80, () => console.log(s.address().port))"

    async def main(world: Any) -> Any:
        ports = [{"containerPort": 80}]
        python = await world.start({"code": code, "portMappings": ports})
        await world.start({"image": "node:24", "command": ["node", "-e", script], "portMappings": ports})
        await asyncio.sleep(1)
        return world.lines(), loopback.dialed(python.address, 80, world.sandbox.settings.port)

    assert ecs(main) == (["40080", "40080"], 40_080)
    assert loopback.dialed("127.0.0.1", 80, 4566) == 80


def test_a_stopped_task_is_shown_for_an_hour(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        task = await world.start({"code": "print('bye')"})
        await world.until(lambda: task.over)
        await asyncio.sleep(3590)
        early = await world.aws("DescribeTasks", tasks=[task.arn])
        await asyncio.sleep(20)
        await world.define({"code": WAIT}, family="another")  # any change: nothing looks by itself
        await asyncio.sleep(1)
        late = await world.aws("DescribeTasks", tasks=[task.arn])
        return len(early["tasks"]), late["failures"][0]["reason"]

    assert ecs(main) == (1, "MISSING")
