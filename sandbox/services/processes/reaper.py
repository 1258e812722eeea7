"""Ends what a sandbox started when the sandbox itself was killed. Runs as a program of its own, in its own session.

Each line on standard input is ``+pid`` (a process group began) or ``-pid`` (it ended). The pipe's writing ends are
held by the sandbox and, until it has reported itself, by a process being started. So the end of the input means that
the sandbox is gone and that no start is half done: whatever is left is killed, stopped or not.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterable

# Variables whose value belongs to one environment or task alone.
MARKS = (b"AWS_LAMBDA_RUNTIME_API=", b"ECS_CONTAINER_METADATA_URI_V4=")


def marks(pids: set[int]) -> set[bytes]:
    """What tells the environments and tasks of these processes apart, from the processes' own variables."""
    found: set[bytes] = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            found.update(v for v in _variables(pid) if v.startswith(MARKS))
    return found


def process_ids() -> list[int]:
    """All processes that can be seen."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def strays(marked: set[bytes], candidates: Iterable[int]) -> list[int]:
    """Those of the candidates that belong to a marked environment although they left its process group."""
    found: list[int] = []
    for pid in candidates if marked else ():
        with contextlib.suppress(OSError):
            if marked.intersection(_variables(pid)):
                found.append(pid)
    return found


def _variables(pid: int) -> list[bytes]:
    with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:  # noqa: PTH123 - pathlib takes 10 ms to import
        return file.read().split(b"\0")


def kill_groups(
    groups: set[int], candidates: Iterable[int] | None = None, known: Iterable[bytes] = ()
) -> None:
    """SIGKILL to process groups, and to what left them. SIGKILL ends stopped processes too.

    ``candidates``: processes that may have left them; default: all. ``known``: marks of groups whose first process
    may be gone.
    """
    marked = marks(groups) | set(known)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for pid in strays(marked, process_ids() if candidates is None else candidates):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Follow the reports until they end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it must outlive the sandbox, however that ends
    groups: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            groups.add(pid)
        else:
            groups.discard(pid)
    kill_groups(groups)


if __name__ == "__main__":
    main()
