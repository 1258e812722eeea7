# mypy: ignore-errors
"""``select`` and ``selectors``: waiting for files with a limit in virtual time."""

import _thread
import types

from _sandbox_preload import page, wait

_exact = _thread._local()  # the limit of a selector, which rounds it up to milliseconds before it polls


def patch_select(module):
    """Replace ``select``, ``poll`` and ``epoll``."""
    real_select, real_poll, real_epoll = module.select, module.poll, module.epoll
    module._sandbox_real_poll = real_poll
    readable = module.POLLIN

    def select(_, rlist, wlist, xlist, timeout=None):
        """As ``select.select``."""
        if timeout is None or timeout <= 0:
            return real_select(rlist, wlist, xlist, timeout)
        rlist, wlist, xlist = list(rlist), list(wlist), list(xlist)
        wanted = {}
        for files, events in ((rlist, readable), (wlist, module.POLLOUT), (xlist, module.POLLPRI)):
            for number in map(_number, files):
                wanted[number] = wanted.get(number, 0) | events
        wait.until(_deadline(timeout), tuple(wanted.items()))
        return real_select(rlist, wlist, xlist, 0)

    class poll:
        """As ``select.poll``."""

        def __init__(self):
            self._real = real_poll()
            self._events = {}

        def register(self, fd, eventmask=module.POLLIN | module.POLLPRI | module.POLLOUT):
            self._real.register(fd, eventmask)
            self._events[_number(fd)] = eventmask

        def modify(self, fd, eventmask):
            self._real.modify(fd, eventmask)
            self._events[_number(fd)] = eventmask

        def unregister(self, fd):
            self._real.unregister(fd)
            self._events.pop(_number(fd), None)

        def poll(self, timeout=None):
            deadline = _taken_deadline()
            if timeout is None or timeout <= 0:
                return self._real.poll(timeout)
            return wait.until(deadline or _deadline(timeout / 1000), tuple(self._events.items()))

    class epoll:
        """As ``select.epoll``: the real one is itself a file that can be waited for."""

        def __init__(self, sizehint=-1, flags=0, _real=None):
            self._real = _real or real_epoll(sizehint, flags)

        @classmethod
        def fromfd(cls, fd):
            return cls(_real=real_epoll.fromfd(fd))

        def poll(self, timeout=None, maxevents=-1):
            deadline = _taken_deadline()
            if timeout is None or timeout <= 0:
                return self._real.poll(timeout, maxevents)
            ready = self._real.poll(0, maxevents)
            if ready:
                return ready
            wait.until(deadline or _deadline(timeout), ((self._real.fileno(), readable),))
            return self._real.poll(0, maxevents)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._real.close()

        def __getattr__(self, name):
            return getattr(self._real, name)

    # A bound method: `SelectSelector` has it as an attribute, where a function would bind.
    module.select = types.MethodType(select, module)
    module.poll, module.epoll = poll, epoll


def patch_selectors(module):
    """Let selectors wait exactly as long as asked, not rounded up to milliseconds."""
    for name in ("PollSelector", "EpollSelector"):
        _exactly(getattr(module, name))
    if module.DefaultSelector is not module.EpollSelector:
        _exactly(module.DefaultSelector)


def _exactly(cls):
    real = cls.select

    def select(self, timeout=None):
        _exact.deadline = _deadline(timeout) if timeout is not None and timeout > 0 else 0
        try:
            return real(self, timeout)
        finally:
            _exact.deadline = 0

    cls.select = select


def _taken_deadline():
    deadline = getattr(_exact, "deadline", 0)
    _exact.deadline = 0
    return deadline


def _deadline(seconds):
    return page.now_ns() + round(seconds * 1e9)


def _number(file):
    return file if isinstance(file, int) else file.fileno()
