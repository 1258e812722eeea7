from __future__ import annotations

import json
from pathlib import Path

from sandbox.clock.environment import variables


def test_nothing_is_needed_on_the_real_clock_without_names() -> None:
    assert variables("python", None, None, {"PYTHONPATH": "/theirs"}) == {}


def test_names_only_on_the_real_clock() -> None:
    found = variables("python", None, {"suffixes": [".amazonaws.com"]}, {})
    assert json.loads(found["SANDBOX_NAMES"]) == {"suffixes": [".amazonaws.com"]}
    assert sorted(found) == ["NODE_OPTIONS", "PYTHONPATH", "SANDBOX_NAMES"]


def test_what_the_process_has_already_is_kept_behind_ours() -> None:
    base = {"PYTHONPATH": "/opt/python", "NODE_OPTIONS": "--enable-source-maps", "PATH": "/usr/bin"}
    found = variables("node", Path("/folder"), None, base)
    assert found["SANDBOX_CLOCK"] == "/folder"
    for name, separator in (("PYTHONPATH", ":"), ("NODE_OPTIONS", " "), ("PATH", ":")):
        ours, theirs = found[name].rsplit(separator, 1)
        assert theirs == base[name]
        assert Path(ours.removeprefix("--require=")).exists()
