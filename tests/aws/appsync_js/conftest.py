"""A runtime of APPSYNC_JS at a fixed instant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from sandbox.aws.appsync_js import Outcome, Runtime
from sandbox.aws.ids import IdSource
from sandbox.clock import Clock

Run = Callable[..., Outcome]


class Fixed:
    """A clock that stands."""

    def utcnow(self) -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


@pytest.fixture
def runtime() -> Runtime:
    return Runtime(IdSource(1), cast(Clock, Fixed()))


@pytest.fixture
def value(runtime: Runtime) -> Callable[[str], Any]:
    """``value("util.autoId()")``: what an expression gives, with all of @aws-appsync/utils at hand."""

    def of(expression: str, **arguments: Any) -> Any:
        code = (
            "import { util, extensions, runtime } from '@aws-appsync/utils';\n"
            "import * as ddb from '@aws-appsync/utils/dynamodb';\n"
            f"export function request(ctx) {{ return {expression}; }}"
        )
        outcome = runtime.run(code, "request", {"arguments": arguments})
        assert outcome.error is None, outcome.error
        return outcome.result

    return of
