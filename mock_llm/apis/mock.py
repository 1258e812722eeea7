"""``/_mock``: the mock model's own controls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mock_llm.apis import Route
from mock_llm.apis.openai import OpenAI
from mock_llm.profiles import ProfileError, describe
from mock_llm.wire import Exchange

if TYPE_CHECKING:
    from mock_llm.app import MockLLM


async def profiles(app: MockLLM, exchange: Exchange) -> None:
    """``GET /_mock/profiles``: every profile, in the words and units of the file."""
    data = {
        "default": app.settings.profile,
        "profiles": [describe(p) for p in app.settings.profiles.values()],
    }
    await exchange.respond_json(200, data)


async def overrides(app: MockLLM, exchange: Exchange) -> None:
    """``GET /_mock/configure``: what was told last."""
    await exchange.respond_json(200, app.overrides.data())


async def configure(app: MockLLM, exchange: Exchange) -> None:
    """``POST /_mock/configure``: replace all overrides by those of the body; ``{}`` for none."""
    try:
        values = json.loads(await exchange.body(app.settings.max_body))
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"the body is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise ProfileError("the body must be a JSON object")
    app.configure(**values)
    await exchange.respond_json(200, app.overrides.data())


async def forget(app: MockLLM, exchange: Exchange) -> None:
    """``DELETE /_mock/configure``: no overrides."""
    app.configure()
    await exchange.respond_json(200, {})


async def requests(app: MockLLM, exchange: Exchange) -> None:
    """``GET /_mock/requests``: what clients did, oldest first."""
    await exchange.respond_json(200, {"requests": [request.data() for request in app.requests]})


async def forget_requests(app: MockLLM, exchange: Exchange) -> None:
    """``DELETE /_mock/requests``: forget them."""
    app.ledger.clear()
    await exchange.respond_json(200, {})


async def reset(app: MockLLM, exchange: Exchange) -> None:
    """``POST /_mock/reset``: forget overrides, requests, and quotas spent."""
    app.reset()
    await exchange.respond_json(200, {})


class Mock(OpenAI):
    """The controls; they are refused in OpenAI's shape."""

    name = "mock"
    routes: Sequence[Route] = (
        Route("/_mock/profiles", {"GET": profiles}),
        Route("/_mock/configure", {"GET": overrides, "POST": configure, "DELETE": forget}),
        Route("/_mock/requests", {"GET": requests, "DELETE": forget_requests}),
        Route("/_mock/reset", {"POST": reset}),
    )

    def claims(self, path: str) -> bool:
        """All of ``/_mock``."""
        return path.startswith("/_mock")
