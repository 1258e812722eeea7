"""Reserved and account concurrency, and the speed of scaling (facts 4.20 to 4.22)."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from lambda_support import World

from sandbox.aws.errors import AwsError
from sandbox.limits import Limits
from sandbox.services.lambda_.concurrency import Concurrency

CODE = "import time\ndef handler(e, c): time.sleep(e)"


async def outcomes(*calls) -> list[str]:
    results = await asyncio.gather(*calls, return_exceptions=True)
    return [r.fields["Reason"] if isinstance(r, AwsError) else "ok" for r in results]


@pytest.mark.fact("4.20")
def test_reserved_concurrency_lets_so_many_run_at_once(lambda_world):
    async def main(world: World) -> None:
        world.function(code=CODE, reserved_concurrency=2)
        calls = [world.invoke(payload=b"1") for _ in range(3)]
        refused = "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert await outcomes(*calls) == ["ok", "ok", refused]
        assert [e.data["reason"] for e in world.events("throttled")] == [refused]
        for _ in range(3):  # one after the other they never are too many
            assert await outcomes(world.invoke(payload=b"0")) == ["ok"]

    lambda_world(main)


@pytest.mark.fact("4.21")
def test_account_concurrency_counts_what_has_no_reservation(lambda_world):
    async def main(world: World) -> None:
        world.control.resources.concurrency = 3
        world.function("reserved", code=CODE, reserved_concurrency=1)
        world.function("a", code=CODE)
        calls = [world.invoke(name, b"1") for name in ("reserved", "a", "a", "a")]
        assert await outcomes(*calls) == ["ok", "ok", "ok", "ConcurrentInvocationLimitExceeded"]

    lambda_world(main)


@pytest.mark.fact("4.22")
def test_a_function_gets_1000_environments_in_10_s():
    class Function:
        name, reserved_concurrency = "f", None

    now = 0.0
    concurrency = Concurrency(Limits(date(2026, 11, 24)), lambda: now)
    for _ in range(1000):
        concurrency.add_environment(Function)  # type: ignore[arg-type]
    with pytest.raises(AwsError) as refused:
        concurrency.add_environment(Function)  # type: ignore[arg-type]
    assert refused.value.status == 429
    now = 10.0
    concurrency.add_environment(Function)  # type: ignore[arg-type]
