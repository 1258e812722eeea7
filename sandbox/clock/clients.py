"""Which local process is at the other end of a loopback connection, so that it can be watched.

A process is known by the inode of its socket: the kernel's socket diagnosis (netlink) gives it for the two
addresses of a connection, ``/proc/net/tcp`` gives it where that is missing.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from sandbox.clock import procfs
from sandbox.clock.processes import Processes

Address = tuple[str, int]

_log = logging.getLogger(__name__)
_HEADER = struct.Struct("=IHHII")
_READINGS = 3  # the kernel gives the table in pieces, and leaves out some while others come and go
_ESTABLISHED_AND_ALL = 0xFFFFFFFF
_ANY_COOKIE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
_SOCK_DIAG_BY_FAMILY, _REQUEST, _ERROR = 20, 1, 2


def socket_inode(own: Address, other: Address | None) -> int:
    """The inode of the TCP socket bound to ``own`` (and connected to ``other``); 0 when there is none."""
    if other is not None:
        try:
            return _diagnosed(own, other)
        except OSError as error:
            _log.debug("no socket diagnosis (%s), reading /proc/net/tcp", error)
    return _listed(own)


def _diagnosed(own: Address, other: Address) -> int:
    family = socket.AF_INET6 if ":" in own[0] else socket.AF_INET
    addresses = b"".join(socket.inet_pton(family, host).ljust(16, b"\0") for host in (own[0], other[0]))
    wanted = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, _ESTABLISHED_AND_ALL)
    wanted += struct.pack(">HH", own[1], other[1]) + addresses + _ANY_COOKIE
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as kernel:
        kernel.send(_HEADER.pack(_HEADER.size + len(wanted), _SOCK_DIAG_BY_FAMILY, _REQUEST, 1, 0) + wanted)
        answer = kernel.recv(8192)
    if _HEADER.unpack_from(answer)[1] == _ERROR:
        code = -int(struct.unpack_from("=i", answer, _HEADER.size)[0])
        if code == 2:  # no such socket
            return 0
        raise OSError(code, os.strerror(code))
    # inet_diag_msg: 4 bytes, the addresses (48), then expires, rqueue, wqueue, uid, inode
    return int(struct.unpack_from("=5I", answer, _HEADER.size + 52)[4])


def _listed(own: Address) -> int:
    address = ipaddress.ip_address(own[0])
    words = struct.unpack(f"={len(address.packed) // 4}I", address.packed)
    wanted = f"{''.join(f'{word:08X}' for word in words)}:{own[1]:04X}"
    table = Path("/proc/net/tcp6" if address.version == 6 else "/proc/net/tcp")
    for _ in range(_READINGS):
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1] == wanted:
                return int(fields[9])
    return 0


def owns(pid: int, inode: int) -> bool:
    """Whether a process has the socket open."""
    wanted = f"socket:[{inode}]"
    try:
        files = os.listdir(f"/proc/{pid}/fd")  # noqa: PTH208 - a client may have hundreds of files
    except OSError:
        return False
    for file in files:
        try:
            if os.readlink(f"/proc/{pid}/fd/{file}") == wanted:  # noqa: PTH115
                return True
        except OSError:
            continue
    return False


class Clients:
    """Watches the processes of local clients while they have connections."""

    def __init__(self, processes: Processes, connects_itself: Callable[[Address], bool]) -> None:
        """``connects_itself``: whether an address is that of a connection that our own loop opened."""
        self._processes = processes
        self._connects_itself = connects_itself
        self._owner: dict[Address, int] = {}
        self._open: dict[int, int] = {}

    def connected(self, peer: Address, local: Address | None) -> None:
        """Find the client's process; watch it when it is neither known nor ours."""
        self.disconnected(peer)
        if not ipaddress.ip_address(peer[0].partition("%")[0]).is_loopback or self._connects_itself(peer):
            return
        inode = socket_inode(peer, local)
        pid = self._find(inode) if inode else 0
        if not pid:
            return
        self._owner[peer] = pid
        self._open[pid] = self._open.get(pid, 0) + 1
        if self._open[pid] == 1:
            self._begin(pid)

    def disconnected(self, peer: Address) -> None:
        """A connection ended."""
        pid = self._owner.pop(peer, 0)
        if pid:
            self._open[pid] -= 1
            if not self._open[pid]:
                del self._open[pid]
                self._processes.unwatch(pid)

    def _begin(self, pid: int) -> None:
        try:
            self._processes.watch(pid, follow=False)
        except PermissionError:
            _log.warning("process %s is another user's: time does not wait for it", pid)

    def _find(self, inode: int) -> int:
        """The process with the socket; 0 when it is ours alone, known already, or cannot be seen."""
        if owns(os.getpid(), inode):
            return os.getpid() if threading.active_count() > 1 else 0
        for pid in reversed(self._open):
            if owns(pid, inode):
                return pid
        known = set(self._processes.known())
        if any(owns(pid, inode) for pid in known):
            return 0
        for pid in reversed(procfs.process_ids()):
            if pid not in known and owns(pid, inode):
                return pid
        return 0
