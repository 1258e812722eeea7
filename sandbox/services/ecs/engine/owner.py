"""Whose a container is: what a killed sandbox left on the engine is found by its label, and removed.

A label holds the sandbox's process, or the container in which it runs, each with the instant of its start: numbers
are used again.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound

LABEL = "genai-streaming-sandbox"
OWNER = f"{LABEL}.owner"
RUN = f"{LABEL}.run"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_START = 19  # in /proc/<pid>/stat, of the fields behind the name: ticks from the boot to the start


def process(pid: int | None = None) -> dict[str, str]:
    """The owner that a process is; default: this one. Raises ``OSError`` when it is gone."""
    pid = pid or os.getpid()
    started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_START]
    return {
        "host": socket.gethostname(),
        "boot": _BOOT.read_text().strip(),
        "pid": str(pid),
        "started": started,
    }


def container(found: Mapping[str, Any]) -> dict[str, str]:
    """The owner that a container is, as the engine describes it."""
    return {"container": found["Id"], "started": found["State"]["StartedAt"]}


def labels(owner: Mapping[str, str], run: str) -> dict[str, str]:
    """What marks everything that a run of the sandbox makes on the engine."""
    return {OWNER: json.dumps(owner), RUN: run}


def gone(api: Any, label: str) -> bool:
    """Whether the owner in a label has ended; what cannot be known is taken for alive."""
    owner: dict[str, str] = json.loads(label)
    if "container" in owner:
        try:
            found = api.inspect_container(owner["container"])
        except NotFound:
            return True
        return not found["State"]["Running"] or container(found) != owner
    if owner["host"] != socket.gethostname():
        return False
    try:
        return process(int(owner["pid"])) != owner
    except OSError:
        return True


def sweep(api: Any) -> list[str]:
    """Remove what sandboxes left that are gone; the names of the containers."""
    swept = []
    for one in api.containers(all=True, filters={"label": OWNER}):
        if gone(api, one["Labels"][OWNER]):
            _remove(api, one["Id"])
            swept += one["Names"]
    for one in api.networks(filters={"label": OWNER}):
        if gone(api, one["Labels"][OWNER]):
            with suppress(APIError):  # another sandbox is just doing the same
                api.remove_network(one["Id"])
    return swept


def remove_run(api: Any, run: str) -> None:
    """Remove the containers of one run."""
    for one in api.containers(all=True, filters={"label": f"{RUN}={run}"}):
        _remove(api, one["Id"])


def _remove(api: Any, identifier: str) -> None:
    with suppress(APIError):  # it is gone, or being removed
        api.remove_container(identifier, force=True, v=True)
