# mypy: ignore-errors
"""Puts a Python process on the sandbox's virtual clock."""

import os

from _sandbox_preload import dates, hooks, locks, page, polls, signals, sockets, wait


def start(folder):
    """``folder``: see ``sandbox/clock/wakeups.py``. When it is gone the process lives on the real clock."""
    if not os.path.exists(os.path.join(folder, "now")):
        return
    page.start(folder)
    wait.start(folder)
    hooks.after_import("datetime", dates.patch)
    hooks.after_import("select", polls.patch_select)
    hooks.after_import("selectors", polls.patch_selectors)
    hooks.after_import("threading", locks.patch_threading)
    hooks.after_import("queue", locks.patch_queue)
    hooks.after_import("socket", sockets.patch_socket)
    hooks.after_import("ssl", sockets.patch_ssl)
    hooks.after_import("signal", signals.patch_signal)
    hooks.after_import("subprocess", signals.patch_subprocess)
