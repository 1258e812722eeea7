"""The generated page: which tests prove which row, and that a stale page is noticed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from sandbox.limits.limits import all_rows

ROOT = Path(__file__).resolve().parents[2]

MARKED = """
import pytest
pytestmark = [pytest.mark.fact("1.1")]

@pytest.mark.fact("1.5", "4.10")
def test_a(): ...

@pytest.mark.fact("1.5")
class TestB:
    @pytest.mark.fact("1.6")
    async def test_c(self): ...

@pytest.mark.parametrize("x", ["9.9"])
def test_d(x): ...
"""


@pytest.fixture(scope="module")
def table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fidelity_table", ROOT / "tools" / "fidelity_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_marks_are_found_on_files_functions_classes_and_methods(table: ModuleType, tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_x.py").write_text(MARKED)
    assert table.proofs(tests) == {
        "1.1": ["tests/test_x.py"],
        "1.5": ["tests/test_x.py::test_a", "tests/test_x.py::TestB"],
        "4.10": ["tests/test_x.py::test_a"],
        "1.6": ["tests/test_x.py::TestB::test_c"],
    }


def test_a_row_shows_its_proof_only_when_it_is_emulated(table: ModuleType) -> None:
    played = {row.fact for row in all_rows() if row.emulated}
    other = next(row.fact for row in all_rows() if row.fact not in played)
    page = table.page(all_rows(), {"1.5": ["tests/test_x.py::test_a"], other: ["tests/test_x.py::test_b"]})
    assert page.count("`tests/test_x.py::test_a`") == sum(
        row.fact == "1.5" and bool(row.emulated) for row in all_rows()
    )
    assert "test_b" not in page


def test_a_proof_of_an_unknown_fact_is_an_error(table: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"no row has: 99\.1 \(tests/test_x\.py\)"):
        table.page(all_rows(), {"99.1": ["tests/test_x.py"]})


def test_every_row_is_on_the_page_once(table: ModuleType) -> None:
    page = table.page(all_rows(), {})
    for row in all_rows():
        assert page.count(f"<br>`{row.name}`") == 1, row.name


def test_check_tells_a_stale_page(
    table: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(table, "PAGE", tmp_path / "fidelity.md")
    monkeypatch.setattr(table, "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    assert table.main(["--check"]) == 1
    assert table.main([]) == 0
    assert table.main(["--check"]) == 0
    table.PAGE.write_text(table.PAGE.read_text() + " ")
    assert table.main(["--check"]) == 1
    assert "docs/fidelity.md is stale" in capsys.readouterr().err
    assert table.main(["--chek"]) == 2
