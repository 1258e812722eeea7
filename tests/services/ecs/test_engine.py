"""Tasks on a Docker engine, as far as that needs none."""

from __future__ import annotations

import json
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from docker.errors import NotFound

from sandbox.app import open_sandbox
from sandbox.backend import BackendError
from sandbox.clock import Clock, run
from sandbox.services.ecs.engine import owner, pause
from sandbox.services.ecs.engine.client import EngineError
from sandbox.services.ecs.engine.images import tagged
from tests.test_cli import sandbox

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def opened(kind: str) -> None:
    async def main(clock: Clock) -> None:
        async with open_sandbox(clock, tasks="docker"):
            pass

    run(main, kind=kind)


@pytest.mark.parametrize("kind", ["virtual", "scaled:10"])
def test_a_clock_that_cannot_look_into_containers(kind: str) -> None:
    with pytest.raises(BackendError, match=f"on the real clock alone: the clock {kind} cannot look into"):
        opened(kind)


def test_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(BackendError, match="tasks on Docker: no engine answers: "):
        opened("real")


def test_up_tells_both() -> None:
    refused = sandbox("up", "--port", "0", "--clock", "virtual", "--tasks", "docker")
    assert (refused.returncode, refused.stderr) == (
        2, "sandbox: --tasks docker needs --clock real: the clock virtual cannot look into containers\n",
    )  # fmt: skip
    assert "not 'podman'" in sandbox("up", "--port", "0", "--tasks", "podman").stderr


@pytest.mark.skipif(platform.machine() not in MACHINES, reason="no program for this machine")
def test_the_program_that_holds_a_network_waits(tmp_path: Path) -> None:
    file = tmp_path / "pause"
    file.write_bytes(pause.program(MACHINES[platform.machine()]))
    file.chmod(0o755)
    process = subprocess.Popen([file])
    try:
        for _ in range(500):
            state = Path(f"/proc/{process.pid}/wchan").read_text()
            if Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S":
                break
            time.sleep(0.01)
        else:
            raise AssertionError(f"it does not sleep: {state}")
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_an_engine_on_another_architecture() -> None:
    with pytest.raises(EngineError, match="an engine on s390x; there is amd64, arm64"):
        pause.program("s390x")


class Containers:
    """The engine, as far as it is asked about owners."""

    def __init__(self, **states: dict[str, Any]) -> None:
        self.states = states

    def inspect_container(self, identifier: str) -> dict[str, Any]:
        if identifier not in self.states:
            raise NotFound("gone")
        return {"Id": identifier, "State": self.states[identifier]}


def test_which_owners_are_gone() -> None:
    api = Containers(
        lives={"Running": True, "StartedAt": "monday"}, ended={"Running": False, "StartedAt": "monday"}
    )
    mine = owner.process()
    assert not owner.gone(api, json.dumps(mine))
    assert owner.gone(api, json.dumps({**mine, "started": "1"}))  # its number is another's now
    assert owner.gone(api, json.dumps({**mine, "boot": "before"}))
    assert not owner.gone(api, json.dumps({**mine, "host": "another", "pid": "1"}))  # nobody here can know
    process = subprocess.Popen(["sleep", "100"])
    known = owner.process(process.pid)
    assert not owner.gone(api, json.dumps(known))
    process.kill()
    process.wait()
    assert owner.gone(api, json.dumps(known))
    assert not owner.gone(api, json.dumps({"container": "lives", "started": "monday"}))
    for container in (
        {"container": "lives", "started": "sunday"},
        {"container": "ended", "started": "monday"},
    ):
        assert owner.gone(api, json.dumps(container))
    assert owner.gone(api, json.dumps({"container": "removed", "started": "monday"}))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("python", ("python", "latest")),
        ("python:3.12", ("python", "3.12")),
        ("localhost:5000/a/b", ("localhost:5000/a/b", "latest")),
        ("localhost:5000/a/b:1", ("localhost:5000/a/b", "1")),
        ("app@sha256:aa", ("app", "sha256:aa")),
    ],
)
def test_names_of_images(name: str, expected: tuple[str, str]) -> None:
    assert tagged(name) == expected
