"""Loopback addresses of tasks: every task has its own, so that all may use the same port.

127.0.0.0/8 belongs to this machine as a whole. The sandbox's port, which no other program has, makes two of the
numbers: 127.<port / 256>.<port % 256>.<n>.

Ports below 1024 are the administrator's: for everybody else a task's port 80 is 40080 underneath, which neither the
program (its preload does it) nor who asks a load balancer sees.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

MOST = 126  # tasks at a time
SHIFT = 40_000
_INNER = 127  # between a task's address and the one that only its own containers reach


class Addresses:
    """Gives addresses out; the lowest free one first."""

    def __init__(self, port: int) -> None:
        self._prefix = f"127.{port >> 8}.{port & 255}"
        self._taken: set[int] = set()

    def take(self) -> str | None:
        """A free address; ``None`` when there is none."""
        free = next((n for n in range(1, MOST + 1) if n not in self._taken), None)
        if free is None:
            return None
        self._taken.add(free)
        return f"{self._prefix}.{free}"

    def give_back(self, address: str) -> None:
        """It may be taken again."""
        self._taken.discard(int(address.rpartition(".")[2]))


@cache
def privileged() -> int:
    """The first port that this user may listen on; 0 for one who may use all."""
    if os.geteuid() == 0:
        return 0
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        return 1024


def dialed(host: str, port: int, own: int) -> int:
    """The port to connect to for a port of a task. ``own``: the sandbox's port, of which its addresses are made."""
    task = host.startswith(f"127.{own >> 8}.{own & 255}.")
    return port + SHIFT if task and port < privileged() else port


def inner(address: str) -> str:
    """The address on which a task's ``localhost`` listens."""
    prefix, _, number = address.rpartition(".")
    return f"{prefix}.{int(number) + _INNER}"
