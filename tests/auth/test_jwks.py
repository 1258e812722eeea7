"""Finding an issuer's keys: own pools directly, others over HTTP within API Gateway's limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from sandbox.auth.jwks import IssuerKeys
from sandbox.auth.tokens import NO_KEYS, TokenError
from tests.auth.issuer import Issuer

KEY = {"kid": "one", "kty": "RSA", "n": "x", "e": "AQAB"}


def good() -> bytes:
    return json.dumps({"keys": [KEY]}).encode()


async def nobody(issuer: str) -> Sequence[Mapping[str, Any]] | None:
    return None


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def finder(now: Callable[[], float] = lambda: 0.0, **changes: Any) -> IssuerKeys:
    return IssuerKeys(nobody, now, **{"timeout_s": 1.5, "max_bytes": 150_000, **changes})


def test_an_own_pools_keys_need_no_request() -> None:
    async def own(issuer: str) -> Sequence[Mapping[str, Any]] | None:
        return [KEY] if issuer == "https://ours" else None

    keys = IssuerKeys(own, lambda: 0.0, timeout_s=1, max_bytes=1)
    assert asyncio.run(keys("https://ours")) == [KEY]  # type: ignore[arg-type]


def test_a_foreign_issuers_keys_are_read_and_kept_for_two_hours() -> None:
    async def main() -> None:
        time = 100.0
        async with Issuer(good()) as issuer:
            keys = finder(lambda: time)
            assert list(await keys(issuer.url)) == [KEY]
            time += 7199
            await keys(issuer.url)
            assert issuer.asked == 2
            time += 1
            await keys(issuer.url)
            assert issuer.asked == 4

    run(main)


@pytest.mark.fact("2.7")
@pytest.mark.parametrize(
    ("issuer", "limits"),
    [
        (Issuer(good(), pause=0.2), {"timeout_s": 0.1}),
        (Issuer(good() + b" " * 200), {"max_bytes": 200}),
        (Issuer(good(), status=500), {}),
        (Issuer(b"[]"), {}),
        (Issuer(b"no json"), {}),
        (Issuer(b'{"keys": 3}'), {}),
    ],
)
def test_keys_that_cannot_be_read_refuse_the_token(issuer: Issuer, limits: dict[str, Any]) -> None:
    async def main() -> None:
        async with issuer:
            with pytest.raises(TokenError) as caught:
                await finder(**limits)(issuer.url)
            assert caught.value.description == NO_KEYS

    run(main)


def test_an_issuer_that_is_not_there_refuses_the_token() -> None:
    async def main() -> None:
        for url in ("http://127.0.0.1:1", "nonsense", "http://[bad"):
            with pytest.raises(TokenError):
                await finder()(url)

    run(main)
