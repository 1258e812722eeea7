from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "no_wall_clock.py"
_spec = importlib.util.spec_from_file_location("no_wall_clock", TOOL)
assert _spec is not None
assert _spec.loader is not None
tool = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tool)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import time\ntime.time()", ["time.time"]),
        ("import time as t\nx = t.monotonic", ["time.monotonic"]),
        ("from time import sleep as nap\nnap(1)", ["time.sleep", "time.sleep"]),
        ("import time\ndef f(clock=time.perf_counter): ...", ["time.perf_counter"]),
        ("import datetime\ndatetime.datetime.now(datetime.UTC)", ["datetime.datetime.now"]),
        ("import datetime as dt\ndt.date.today()", ["datetime.date.today"]),
        ("from datetime import datetime, UTC\ndatetime.now(UTC)", ["datetime.datetime.now"]),
        ("from datetime import datetime as D\nD.utcnow()", ["datetime.datetime.utcnow"]),
        ("import threading\nthreading.Timer(1, print)", ["threading.Timer"]),
        ("import time\ntime.strftime('%F')", ["time.strftime"]),
        ("from time import gmtime\ngmtime()", ["time.gmtime"]),
    ],
)
def test_wall_clocks_are_found(source: str, names: list[str]) -> None:
    assert [name for _, name, _ in tool.uses(source)] == names


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio\nasync def f():\n    await asyncio.wait_for(asyncio.sleep(1), 2)",
        "import asyncio\nasyncio.get_running_loop().time()",
        "from datetime import datetime, UTC\ndatetime.fromtimestamp(clock.epoch(), UTC)",
        "import time\ntime.strftime('%F', time.gmtime(5))",
        "class Own:\n    def time(self): ...\ntime = Own()\ntime.time()",
        "datetime = object()\ndatetime.now()",
        "import threading\nthreading.Lock()",
    ],
)
def test_other_uses_are_not(source: str) -> None:
    assert tool.uses(source) == []


def _run(*arguments: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True, check=False)


def test_command_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import time\n\ntime.sleep(1)\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text("import time\ntime.sleep(1)\n")
    result = _run(tmp_path)
    assert result.returncode == 1
    assert result.stdout == f"{tmp_path}/bad.py:3: time.sleep: sleeps in real time: use asyncio.sleep\n"


def test_command_accepts_good_sources(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("import asyncio\n")
    assert _run(tmp_path).returncode == 0


def test_command_refuses_what_it_cannot_check(tmp_path: Path) -> None:
    assert _run(tmp_path / "missing").returncode == 2
    (tmp_path / "broken.py").write_text("def\n")
    result = _run(tmp_path)
    assert result.returncode == 2
    assert "broken.py" in result.stderr
