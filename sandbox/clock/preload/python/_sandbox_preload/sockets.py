# mypy: ignore-errors
"""Sockets: time limits in virtual time.

A socket with a limit is non-blocking underneath; each call that would block waits for the file or the limit.
"""

import errno
import os

from _sandbox_preload import page, wait

_default = None


def patch_socket(module):
    """Replace the class ``socket.socket`` by one that keeps its limit itself."""
    real = module.socket
    cls = type("socket", (real,), {"__slots__": ("_limit",), "__doc__": real.__doc__})
    cls.__module__, cls.__qualname__ = real.__module__, real.__qualname__
    readable, writable = _events()
    for name in ("_accept", "recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into"):
        setattr(cls, name, _waiting(module, getattr(real, name), readable))
    for name in ("send", "sendto", "sendmsg"):
        setattr(cls, name, _waiting(module, getattr(real, name), writable))
    _patch_limits(module, cls, real)
    _patch_connect(module, cls, real, writable)
    cls.sendall = _sendall(module, real, writable)
    module.socket = cls


def _events():
    import select

    return select.POLLIN, select.POLLOUT


def _waiting(module, real, events):
    def call(self, *args, **kwargs):
        limit = self.gettimeout()
        if not limit:
            return real(self, *args, **kwargs)
        deadline = 0
        while True:
            try:
                return real(self, *args, **kwargs)
            except BlockingIOError:
                deadline = deadline or page.now_ns() + round(limit * 1e9)
                _wait(module, self, events, deadline)

    call.__name__, call.__doc__ = real.__name__, real.__doc__
    return call


def _wait(module, sock, events, deadline, message="timed out"):
    if not wait.until(deadline, ((sock.fileno(), events),)):
        raise module.timeout(message)


def _patch_limits(module, cls, real):
    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        real.__init__(self, family, type, proto, fileno)
        self._limit = None
        if _default is not None:
            self.settimeout(_default)
        else:
            self._limit = real.gettimeout(self)

    def settimeout(self, value):
        limited = value is not None and value > 0
        real.settimeout(self, 0.0 if limited else value)
        self._limit = float(value) if limited else value if value is None else 0.0

    def gettimeout(self):
        return self._limit

    def setblocking(self, flag):
        self.settimeout(None if flag else 0.0)

    def setdefaulttimeout(timeout):
        global _default
        if timeout is not None and timeout < 0:
            raise ValueError("Timeout value out of range")
        _default = timeout

    cls.__init__, cls.settimeout, cls.gettimeout, cls.setblocking = (
        __init__,
        settimeout,
        gettimeout,
        setblocking,
    )
    cls.getblocking = lambda self: self._limit != 0
    cls.timeout = property(gettimeout)
    module.setdefaulttimeout, module.getdefaulttimeout = setdefaulttimeout, lambda: _default


def _patch_connect(module, cls, real, writable):
    def connect(self, address):
        limit = self.gettimeout()
        try:
            real.connect(self, address)
        except BlockingIOError:
            if not limit:
                raise
            _wait(module, self, writable, page.now_ns() + round(limit * 1e9))
            error = self.getsockopt(module.SOL_SOCKET, module.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error)) from None
        at_once(self)

    def connect_ex(self, address):
        if not self.gettimeout():
            return real.connect_ex(self, address)
        try:
            self.connect(address)
        except module.timeout:
            return errno.EAGAIN
        except OSError as error:
            if error.errno is None or isinstance(error, module.gaierror):
                raise
            return error.errno
        return 0

    def listen(self, *backlog):
        at_once(self)  # what it accepts inherits it
        return real.listen(self, *backlog)

    def at_once(sock):
        # Small packets that the kernel keeps back for 40 ms would be lost on the way while all are asleep.
        if sock.family in (module.AF_INET, module.AF_INET6) and sock.type & 15 == module.SOCK_STREAM:
            sock.setsockopt(module.IPPROTO_TCP, module.TCP_NODELAY, 1)

    cls.connect, cls.connect_ex, cls.listen = connect, connect_ex, listen


def _sendall(module, real, writable):
    def sendall(self, data, flags=0):
        limit = self.gettimeout()
        if not limit:
            return real.sendall(self, data, flags)
        deadline = page.now_ns() + round(limit * 1e9)
        with memoryview(data) as view, view.cast("B") as rest:
            sent = 0
            while sent < len(rest):
                try:
                    sent += real.send(self, rest[sent:], flags)
                except BlockingIOError:
                    _wait(module, self, writable, deadline)
        return None

    return sendall


def patch_ssl(module):
    """TLS sockets call OpenSSL, which sees a non-blocking socket: wait for what it wants."""
    cls = module.SSLSocket
    messages = {
        "read": "The read operation timed out",
        "write": "The write operation timed out",
        "send": "The write operation timed out",
        "do_handshake": "_ssl.c:1000: The handshake operation timed out",
        "unwrap": "The read operation timed out",
    }
    for name, message in messages.items():
        setattr(cls, name, _wanting(module, getattr(cls, name), message))


def _wanting(module, real, message):
    import socket

    readable, writable = _events()

    def call(self, *args, **kwargs):
        limit = self.gettimeout()
        if not limit:
            return real(self, *args, **kwargs)
        deadline = page.now_ns() + round(limit * 1e9)
        while True:
            try:
                return real(self, *args, **kwargs)
            except module.SSLWantReadError:
                _wait(socket, self, readable, deadline, message)
            except module.SSLWantWriteError:
                _wait(socket, self, writable, deadline, message)

    call.__name__, call.__doc__ = real.__name__, real.__doc__
    return call
