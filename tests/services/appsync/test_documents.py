"""Reading query documents: which are kept."""

from __future__ import annotations

import pytest

from sandbox.services.appsync import documents

SDL = "schema { query: Query }\ntype Query { hello: String }"


def _query(n: int) -> str:
    return f"{{ hello }} # {n:04}" + "x" * 984  # 1,000 characters


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_kept", documents._Kept())


def test_a_document_is_read_once() -> None:
    assert documents.read(SDL, _query(1)) is documents.read(SDL, _query(1))
    assert documents.read(SDL, _query(1)).errors == []


def test_documents_are_kept_up_to_a_size_the_last_used_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "KEPT", 3000)
    first, second, _ = (documents.read(SDL, _query(n)) for n in (1, 2, 3))
    assert documents.read(SDL, _query(1)) is first
    documents.read(SDL, _query(4))
    assert documents.read(SDL, _query(1)) is first
    assert documents.read(SDL, _query(2)) is not second


def test_documents_are_kept_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_KEPT", 1)
    first = documents.read(SDL, _query(1))
    documents.read(SDL, _query(2))
    assert documents.read(SDL, _query(1)) is not first
