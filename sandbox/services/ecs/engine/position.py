"""Where the sandbox stands to the engine: on its machine, or in one of its containers.

On the machine tasks get a network of the sandbox's own, at whose gateway the sandbox listens as well. In a container
tasks join the network of that.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound

from sandbox.context import Sandbox
from sandbox.services.ecs.engine import owner as owners
from sandbox.services.ecs.engine.client import Engine, EngineError

_EVERYWHERE = ("0.0.0.0", "::", "")
_OWN_FILES = re.compile(r"/containers/([0-9a-f]{64})/")
NOT_THIS_MACHINE = (
    "tasks on Docker: the engine's networks are not this machine's (Docker Desktop, a rootless or a remote engine); "
    "run the sandbox in a container: make compose-up TASKS=docker"
)


@dataclass(frozen=True, slots=True)
class Position:
    """``network``: where tasks live. ``address``: at which they reach the sandbox. ``leave``: undo what was made."""

    owner: Mapping[str, str]
    network: str
    address: str
    leave: Callable[[Any], None]


async def find(engine: Engine, sandbox: Sandbox, run: str) -> Position:
    """Where it stands; a network is made when it needs one. Raises :class:`EngineError`."""
    own = await engine.call(_own_container, engine.api)
    if own is not None:
        for name, network in own["NetworkSettings"]["Networks"].items():
            if network["IPAddress"]:
                stop = partial(_stop, _listen(sandbox, network["IPAddress"]))
                return Position(owners.container(own), name, network["IPAddress"], stop)
    owner = owners.process()
    name = f"{owners.LABEL}-{sandbox.settings.port}-{run[:8]}"
    try:
        made = await engine.call(engine.api.create_network, name, "bridge", labels=owners.labels(owner, run))
    except APIError as error:
        raise EngineError(f"tasks on Docker: no network can be made: {error.explanation}") from error
    found = await engine.call(engine.api.inspect_network, made["Id"])
    gateway = found["IPAM"]["Config"][0]["Gateway"]
    try:
        stop_listening = _listen(sandbox, gateway)
    except OSError as error:
        await engine.call(engine.api.remove_network, made["Id"])
        raise EngineError(NOT_THIS_MACHINE) from error
    return Position(owner, name, gateway, partial(_leave, stop_listening, made["Id"]))


def _stop(stop_listening: Callable[[], None], _: Any) -> None:
    stop_listening()


def _leave(stop_listening: Callable[[], None], network: str, api: Any) -> None:
    stop_listening()
    api.remove_network(network)


def _own_container(api: Any) -> Mapping[str, Any] | None:
    """The container in which this program runs, when it is one of the engine's."""
    names = _OWN_FILES.findall(Path("/proc/self/mountinfo").read_text())
    for name in dict.fromkeys((*names, socket.gethostname())):
        try:
            found: Mapping[str, Any] = api.inspect_container(name)
        except (NotFound, APIError):
            continue
        return found
    return None


def _listen(sandbox: Sandbox, address: str) -> Callable[[], None]:
    """Let the sandbox be reached there, too. Raises ``OSError`` when it is no address of this machine."""
    if sandbox.settings.host in (*_EVERYWHERE, address):
        with socket.socket() as probe:
            probe.bind((address, 0))
        return lambda: None
    return sandbox.listen(address)
