"""Loopback addresses of tasks: every task has its own, so that all may use the same port.

127.0.0.0/8 belongs to this machine as a whole. The sandbox's port, which no other program has, makes two of the
numbers: 127.<port / 256>.<port % 256>.<n>.
"""

from __future__ import annotations

MOST = 126  # tasks at a time
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


def inner(address: str) -> str:
    """The address on which a task's ``localhost`` listens."""
    prefix, _, number = address.rpartition(".")
    return f"{prefix}.{int(number) + _INNER}"
