"""``GET /v1/models`` in Anthropic's shapes: a model for each profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_llm.apis.anthropic import errors
from mock_llm.settings import MODEL, UnknownModelError, profile_of
from mock_llm.wire import Exchange, RefusedError

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

CREATED = "2025-01-01T00:00:00Z"


async def all_models(app: MockLLM, exchange: Exchange) -> None:
    """List them, all on one page."""
    data = [_model(MODEL + name) for name in app.settings.profiles]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]}
    await exchange.respond_json(200, {"data": data, "has_more": False, **ends})


async def one_model(app: MockLLM, exchange: Exchange) -> None:
    """One of them. 404 for ``mock-<no profile>``."""
    name = exchange.params[0]
    try:
        profile_of(app.settings, name)
    except UnknownModelError as error:
        await errors.refuse(exchange, RefusedError(404, f"model: {error.model}"))
        return
    await exchange.respond_json(200, _model(name))


def _model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": CREATED, "lifecycle": "active"}
