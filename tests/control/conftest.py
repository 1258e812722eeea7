"""Fixtures of the control plane's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.control.helpers import ROLE, Served, serve, zip_of


@pytest.fixture(scope="session")
def _served() -> Iterator[Served]:
    served, end = serve()
    yield served
    end()


@pytest.fixture
def served(_served: Served) -> Served:
    """A control plane in which nothing exists."""
    _served.ask(_served.control.reset())
    return _served


@pytest.fixture
def function(served: Served) -> str:
    """The name of a function that exists."""
    served.client("lambda").create_function(
        FunctionName="chat",
        Runtime="python3.13",
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": zip_of(index_py="def handler(event, context): return 1")},
    )
    return "chat"
