"""Refuse wall clocks in product code: time belongs to the event loop (see ``sandbox/clock``).

    python tools/no_wall_clock.py [PATH ...]        default: sandbox mock_llm

Prints ``file:line: name: why`` for each use and exits with 1 when there is one, with 2 on a bad path or source.
Imports under another name and ``from`` imports are followed. ``sandbox/clock``, tests and benchmarks may read them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

_READ = "reads the real clock: use Clock or loop.time()"
_SLEEP = "sleeps in real time: use asyncio.sleep"

FORBIDDEN = {
    **{
        f"time.{name}": _READ
        for name in (
            *("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"),
            *("clock_gettime", "clock_gettime_ns"),
        )
    },
    "time.sleep": _SLEEP,
    **{f"datetime.datetime.{name}": _READ for name in ("now", "utcnow", "today")},
    "datetime.date.today": _READ,
    "threading.Timer": "waits in real time: use loop.call_later",
    "sched.scheduler": "waits in real time: use loop.call_later",
    "signal.alarm": "waits in real time: use loop.call_later",
    "signal.setitimer": "waits in real time: use loop.call_later",
    "uuid.uuid1": _READ,
    "uuid.uuid7": _READ,
}
# Without an argument these mean now; the number of arguments that names an instant.
FORBIDDEN_WITHOUT = {
    "time.gmtime": 1,
    "time.localtime": 1,
    "time.ctime": 1,
    "time.asctime": 1,
    "time.strftime": 2,
}
_ALLOWED = (
    *("sandbox/clock/", "tests/", "benchmarks/"),
    "mock_llm/cli.py",  # the model alone, without the sandbox, lives in real time
)
_DEFAULT = ("sandbox", "mock_llm")


class _Finder(ast.NodeVisitor):
    """Collects the uses of forbidden names in one module."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.found: list[tuple[int, str, str]] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.names[alias.asname or top] = alias.name if alias.asname else top

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module is None or node.level:
            return
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            self.names[alias.asname or alias.name] = full
            self._refuse(node, full)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        full = self._full(node)
        if full is None:
            self.generic_visit(node)
        else:
            self._refuse(node, full)

    def visit_Name(self, node: ast.Name) -> None:
        # A name imported by `from` is refused where it is imported, and again where it is used.
        self._refuse(node, self.names.get(node.id, ""))

    def visit_Call(self, node: ast.Call) -> None:
        full = self._full(node.func)
        if full in FORBIDDEN_WITHOUT and len(node.args) < FORBIDDEN_WITHOUT[full] and not node.keywords:
            self.found.append((node.lineno, full, f"means now without an instant: it {_READ}"))
        self.generic_visit(node)

    def _full(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self._full(node.value)
            return f"{owner}.{node.attr}" if owner else None
        return None

    def _refuse(self, node: ast.stmt | ast.expr, full: str) -> None:
        if full in FORBIDDEN:
            self.found.append((node.lineno, full, FORBIDDEN[full]))


def uses(source: str, name: str = "<source>") -> list[tuple[int, str, str]]:
    """Line, name and reason of each wall clock in a source text; raises ``SyntaxError``."""
    finder = _Finder()
    finder.visit(ast.parse(source, name))
    return sorted(set(finder.found))


def sources(paths: list[Path]) -> Iterator[Path]:
    """The Python files below the paths that may not read a wall clock; raises ``FileNotFoundError``."""
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(path)
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if not any(f"/{part}" in f"/{file.as_posix()}" for part in _ALLOWED):
                yield file


def main(arguments: list[str]) -> int:
    """Check the paths; the exit status."""
    count = 0
    try:
        for file in sources([Path(argument) for argument in arguments or _DEFAULT]):
            for line, name, why in uses(file.read_text(encoding="utf-8"), str(file)):
                print(f"{file}:{line}: {name}: {why}")
                count += 1
    except (FileNotFoundError, SyntaxError, UnicodeDecodeError) as error:
        print(f"cannot check: {error}", file=sys.stderr)
        return 2
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
