"""Many streams of server-sent events read at once, and what a server's process spends on them.

The client is not to be what is measured. When bytes came is told by the kernel (``SO_TIMESTAMPNS``), not by when
they were read; they are read every few milliseconds, which costs a fraction of being woken for each, and looked at
when all is over. Where there are two cores or more, the client has the last one, and servers the others.
"""

from __future__ import annotations

import gc
import json
import os
import re
import select
import socket
import struct
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path

TOKEN = re.compile(rb'"delta":\s*\{[^{}]*"content":\s*"[^"]')
DONE = b"[DONE]"
SO_TIMESTAMPNS = 35  # Linux's number for it, which the socket module does not name; the answer is a timespec
TIMESPEC = struct.Struct("@ll")
ANCILLARY = socket.CMSG_SPACE(TIMESPEC.size)
SLEEP = 0.002  # between two looks at the sockets, seconds
PIECE = 1 << 18


class EndedEarlyError(Exception):
    """A stream had fewer tokens than were asked for."""


@dataclass(slots=True)
class Reader:
    """One streamed request over a socket of its own. ``arrivals``: when each event with a token came, seconds."""

    sock: socket.socket
    sent: float
    pieces: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)

    def read(self) -> bool:
        """Take what came; whether the stream is over."""
        try:
            data, stamp, _, _ = self.sock.recvmsg(PIECE, ANCILLARY)
        except BlockingIOError:
            return False
        if data:
            self.pieces.append(data)
            # The kernel begins to stamp a while after it was asked to: what came before is as late as it was read.
            self.times.append(_seconds(stamp[0][2]) if stamp else time.time())
            return DONE in data
        return True

    def look(self) -> None:
        """Find the tokens in what came."""
        self.sock.close()
        ends = list(accumulate(map(len, self.pieces)))
        tokens = TOKEN.finditer(b"".join(self.pieces))
        self.arrivals = [self.times[bisect_left(ends, token.end())] for token in tokens]
        self.pieces.clear()
        self.times.clear()


def _seconds(stamp: bytes) -> float:
    seconds, nanoseconds = TIMESPEC.unpack(stamp)
    return float(seconds + nanoseconds / 1e9)


@cache
def _stamping() -> socket.socket:
    """A socket that keeps the kernel stamping between measurements."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return sock


def question(number: int, headers: str = "", said: str = "") -> bytes:
    """A request whose prompt differs from the others'."""
    body = {
        "model": "m",
        "stream": True,
        "messages": [{"role": "user", "content": f"Question {number}{said}"}],
    }
    payload = json.dumps(body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n"
        f"content-type: application/json\r\n{headers}content-length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


def read_streams(
    port: int, requests: Sequence[bytes], tokens: int, after: tuple[float, Callable[[], None]] | None = None
) -> list[Reader]:
    """Send all requests at once, and read. ``after``: seconds, and what is done once they have passed.

    Raises :class:`EndedEarlyError`.
    """
    _stamping()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[-1:])
    gc.collect()
    gc.disable()
    try:
        readers = _read(port, requests, after)
    finally:
        gc.enable()
        os.sched_setaffinity(0, cores)
    for reader in readers:
        reader.look()
    short = [len(reader.arrivals) for reader in readers if len(reader.arrivals) < tokens]
    if short:
        raise EndedEarlyError(f"{len(short)} of {len(readers)} ended early: {short[0]} of {tokens} tokens")
    return readers


@contextmanager
def servers_cores() -> Iterator[None]:
    """Processes that are started meanwhile have all cores but the client's."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:-1] or cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _read(
    port: int, requests: Sequence[bytes], after: tuple[float, Callable[[], None]] | None
) -> list[Reader]:
    ready, began = select.epoll(), time.time()
    readers: dict[int, Reader] = {}
    for request in requests:
        reader = _asked(port, request)
        readers[reader.sock.fileno()] = reader
        ready.register(reader.sock, select.EPOLLIN)
    left = len(readers)
    with ready:
        while left:
            for number, _ in ready.poll(0.1):
                if readers[number].read():
                    ready.unregister(number)
                    left -= 1
            if after is not None and time.time() - began > after[0]:
                after[1]()
                after = None
            time.sleep(SLEEP)
    return list(readers.values())


def _asked(port: int, request: bytes) -> Reader:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sent = time.time()  # the clock of the kernel's stamps
    sock.sendall(request)
    sock.setblocking(False)
    return Reader(sock, sent)


def gaps(readers: Sequence[Reader]) -> list[float]:
    """All gaps between tokens, seconds."""
    return [later - earlier for reader in readers for earlier, later in pairwise(reader.arrivals)]


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which ``part`` of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time that a process has used: what a busy machine changes least."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def resident(pid: int) -> float:
    """Kibibytes of memory that a process holds."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return float(found[1]) if found else 0.0
