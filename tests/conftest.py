"""What all tests share."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """``fact`` ties a test to the rows of ``limits.toml`` that it proves; ``docs/fidelity.md`` lists them."""
    config.addinivalue_line("markers", "fact(id, ...): the AWS behaviours that this test proves, by fact id")
