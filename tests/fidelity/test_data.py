"""The limits as data: complete, sourced, graded, and named rightly by the code."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TypeGuard

import pytest

from sandbox.limits.limits import all_rows
from sandbox.limits.rows import PACKAGE, Row, sources

ROOT = Path(__file__).resolve().parents[2]
ROWS = all_rows()
NAMES = {row.name for row in ROWS}
ESCAPED = {re.escape(name) for name in NAMES}

# Section -> the numbers of the behaviours in it.
FACTS = {
    1: [*range(1, 12), *range(20, 35)],
    2: range(1, 8),
    3: range(1, 21),
    4: [*range(1, 34), 40, 41, 42],
    5: [*range(1, 15), *range(20, 26)],
    6: range(1, 18),
    7: [*range(1, 18), 20, 21, *range(30, 35)],
    8: range(1, 8),
    9: range(1, 6),
    10: range(1, 11),
    11: range(1, 18),
}
# Behaviours for which nothing but words would be a row.
TOLD_ELSEWHERE: set[str] = set()

LOOKS_LIKE_A_NAME = re.compile(r"(?:%s)(?:\.[a-z][a-z0-9_]*)+" % "|".join(sources()))  # noqa: UP031
NOT_A_NAME = re.compile(
    r"amazonaws\.com|^lambda\.multi_value_headers\.enabled$"
    r"|\.(json|toml|md|py|zip|test|localhost|js|mjs|cjs|sock|log)$"
)


def test_every_behaviour_has_a_row() -> None:
    wanted = {f"{section}.{number}" for section, numbers in FACTS.items() for number in numbers}
    assert wanted - {row.fact for row in ROWS} == TOLD_ELSEWHERE
    assert {row.fact for row in ROWS} - wanted == set()


def test_names_are_unique_over_all_files() -> None:
    assert len(NAMES) == len(ROWS)


def test_a_behaviour_stays_within_one_section_of_files() -> None:
    """4.2 is about Lambda also where a Function URL shows it: never about API Gateway."""
    homes: dict[str, set[str]] = {}
    for row in ROWS:
        homes.setdefault(row.fact, set()).add(row.name.partition(".")[0])
    together = ({"lambda", "function_url"},)
    split = {fact: names for fact, names in homes.items() if len(names) > 1 and names not in together}
    assert {fact for fact in split if not fact.startswith("11.")} == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_in_order(row: Row) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z0-9][a-z0-9_]*)+", row.name)
    assert len(row.source) > 8 or row.source == "Not found"
    assert row.adjust == "" or row.adjustable, "what cannot be adjusted has no way to adjust it"
    assert len({type(held.value) for held in row.history} - {int, float}) <= 1
    if row.unit in ("bytes", "bytes/s", "s", "status", "count", "MB"):
        assert all(isinstance(held.value, int | float) for held in row.history)
    if row.unit == "flag":
        assert all(isinstance(held.value, bool) for held in row.history)
    assert all(held.since is None or date(2014, 1, 1) <= held.since for held in row.history)


def test_what_has_no_source_is_marked() -> None:
    """A source that says that it was not found, and the grade, must agree."""
    for row in ROWS:
        grades = {held.grade or row.grade for held in row.history}
        if row.source.startswith(("Not found", "Presumed", "Inferred")):
            assert grades == {"UNSOURCED"}, row.name


KNOWN_UNSOURCED = (
    "api_rest.error.throttled.body",
    "api_rest.stream.error.midstream",
    "api_rest.stream.error.no_first_byte.status",
    "api_http.error.too_large.status",
    "api_websocket.error.connect_rate.status",
    "appsync.connection.lifetime",
    "appsync_events.event",
    "iot.error.subprotocol.status",
    "alb.error.bad_gateway.body",
    "alb.error.server_header",
    "alb.streaming.pass_through",
    "app_runner.websocket.available",
    "sqs.fifo.rate",
    "bedrock.model.timeout",
    "prices.sqs.standard",
    "prices.cognito.lite",
    "prices.api_http.increment",
)


@pytest.mark.parametrize("name", KNOWN_UNSOURCED)
def test_what_nobody_could_source_does_not_pass_for_a_fact(name: str) -> None:
    [row] = [row for row in ROWS if row.name == name]
    assert row.grade == "UNSOURCED"


def _names_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """String constants that look like names of limits, and f-strings over them as patterns."""
    nodes = list(ast.walk(tree))
    inside = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    asked = [argument for call in nodes if _asks_limits(call) for argument in call.args]
    for node in nodes:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in inside:
            continue
        if LOOKS_LIKE_A_NAME.fullmatch(node.value) and not NOT_A_NAME.search(node.value):
            yield node.lineno, re.escape(node.value)
    for node in asked:
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(_piece(part) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # whatever it looks like
            yield node.lineno, re.escape(node.value)


def _asks_limits(node: ast.AST) -> TypeGuard[ast.Call]:
    """``limits.value(...)`` and the like, of whatever is called limits."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    receiver = getattr(node.func.value, "attr", getattr(node.func.value, "id", ""))
    return node.func.attr in ("value", "available", "row", "override") and receiver.endswith("limits")


def _piece(part: ast.expr) -> str:
    return re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"[a-z0-9_.]+"


def unknown_names(package: Path) -> list[str]:
    return [
        f"{path}:{line}: {pattern}"
        for path in sorted(package.rglob("*.py"))
        if path.parent.name != "limits"
        for line, pattern in sorted({*_names_in(ast.parse(path.read_text(encoding="utf-8"), str(path)))})
        if pattern not in ESCAPED and not any(re.fullmatch(pattern, name) for name in NAMES)
    ]


def test_the_code_names_only_limits_that_exist() -> None:
    assert unknown_names(PACKAGE) == []


def test_a_wrong_name_in_the_code_is_found(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        "def f(limits, kind):\n"
        "    limits.value('lambda.timeout.max')\n"
        "    limits.value('lambda.timeout.maxx')\n"
        "    limits.value('timeout')\n"
        "    limits.value(f'api_rest.error.{kind}.body')\n"
        "    limits.value(f'api_rest.eror.{kind}.body')\n"
        "    return 'lambda.amazonaws.com', 'function_url.nope', f'api_rest.eror.{kind}'\n"
    )
    lines = [int(problem.split(":")[1]) for problem in unknown_names(tmp_path)]
    assert lines == [3, 4, 6, 7]


def test_the_private_notes_of_this_project_are_not_named() -> None:
    for path in sources().values():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"aws-facts|/work/|\bthe facts\b|~", text), path


def test_what_is_marked_as_played_is_proven() -> None:
    """A row that says that the sandbox plays it needs a test that shows it."""
    spec = importlib.util.spec_from_file_location("fidelity_table", ROOT / "tools" / "fidelity_table.py")
    assert spec is not None
    assert spec.loader is not None
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    proven = table.proofs(ROOT / "tests").keys()
    assert {row.fact for row in ROWS if row.emulated} - proven == set()
    assert proven - {row.fact for row in ROWS} == set()
