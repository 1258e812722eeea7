"""The environment variables that bring the preloads into a child process.

=================  ============================================================================================
``SANDBOX_CLOCK``  the folder of :mod:`sandbox.clock.wakeups`; unset on the real clock
``SANDBOX_NAMES``  JSON: ``{"suffixes": [".amazonaws.com"], "exact": ["name"], "host": "127.0.0.1",
                   "ports": {"443": 4566}}``: connections to such a name go to that host; a port that is not in
                   ``ports`` stays as it is. ``"own": {"address": ..., "inner": ..., "ports": [8080]}`` gives a
                   container addresses of its own (see ``preload/python/_sandbox_preload/addresses.py``)
``PYTHONPATH``     our folder first: its ``sitecustomize`` runs at start-up, then the one that it hides
``NODE_OPTIONS``   ``--require`` of our module first
``PATH``           a ``sleep`` command first (virtual clock only)
=================  ============================================================================================
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

_PRELOAD = Path(__file__).parent / "preload"


def variables(
    runtime: str, folder: Path | None, names: Mapping[str, object] | None, base: Mapping[str, str]
) -> dict[str, str]:
    """The variables for a runtime (``python``, ``node``, ``other``: all of them); empty when nothing is asked.

    A program may start others, so the preloads for Python and Node go to every runtime.
    """
    if folder is None and not names:
        return {}
    require = f"--require={_quoted(_PRELOAD / 'node' / 'preload.cjs')}"
    found = {
        "PYTHONPATH": _first(str(_PRELOAD / "python"), base.get("PYTHONPATH"), os.pathsep),
        "NODE_OPTIONS": _first(require, base.get("NODE_OPTIONS"), " "),
    }
    if folder is not None:
        found["SANDBOX_CLOCK"] = str(folder)
        found["PATH"] = _first(str(_PRELOAD / "bin"), base.get("PATH") or os.environ.get("PATH"), os.pathsep)
    if names:
        found["SANDBOX_NAMES"] = json.dumps(names)
    return found


def _first(ours: str, theirs: str | None, separator: str) -> str:
    return f"{ours}{separator}{theirs}" if theirs else ours


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"' if " " in text else text
