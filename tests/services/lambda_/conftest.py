"""Fixtures of the Lambda tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are imported by path: this is where their helpers are

import lambda_support


@pytest.fixture
def lambda_world(tmp_path: Path) -> Callable[..., Any]:
    """Runs a coroutine function with a started Lambda service on the virtual clock."""

    def run(main: Callable[[lambda_support.World], Any], **options: Any) -> Any:
        return lambda_support.in_sandbox(main, tmp_path, **options)

    return run


@pytest.fixture(scope="session")
def today() -> date:
    return date(2026, 11, 24)
