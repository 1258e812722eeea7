"""``GET /v1/models``: a model for each profile. Any other name works too, at the default pace.

Anthropic's clients ask at the same path, and say so by the header ``anthropic-version``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_llm.apis.anthropic import models as anthropic_models
from mock_llm.settings import EPOCH, MODEL, profile_of
from mock_llm.wire import Exchange

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

ANTHROPIC = "anthropic-version"


async def all_models(app: MockLLM, exchange: Exchange) -> None:
    """List them."""
    if ANTHROPIC in exchange.headers:
        await anthropic_models.all_models(app, exchange)
        return
    data = [_model(MODEL + name) for name in app.settings.profiles]
    await exchange.respond_json(200, {"object": "list", "data": data})


async def one_model(app: MockLLM, exchange: Exchange) -> None:
    """One of them. Raises 404 for ``mock-<no profile>``."""
    if ANTHROPIC in exchange.headers:
        await anthropic_models.one_model(app, exchange)
        return
    name = exchange.params[0]
    profile_of(app.settings, name)
    await exchange.respond_json(200, _model(name))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": int(EPOCH), "owned_by": "mock-llm"}
