"""Anthropic's API: messages, counts of their tokens, models."""

from __future__ import annotations

from collections.abc import Sequence

from mock_llm.apis import Route
from mock_llm.apis.anthropic import errors, messages, models
from mock_llm.wire import Exchange, RefusedError


class Anthropic:
    """The API as ``https://api.anthropic.com`` has it, and under ``/anthropic`` as Bedrock offers it."""

    name = "anthropic"
    routes: Sequence[Route] = (
        Route("/v1/messages", {"POST": messages.messages}),
        Route("/v1/messages/count_tokens", {"POST": messages.count_tokens}),
        Route("/anthropic/v1/messages", {"POST": messages.messages}),
        Route("/anthropic/v1/messages/count_tokens", {"POST": messages.count_tokens}),
        Route("/anthropic/v1/models", {"GET": models.all_models}),
        Route("/anthropic/v1/models/{}", {"GET": models.one_model}),
    )

    async def refuse(self, exchange: Exchange, refusal: RefusedError) -> None:
        """Answer ``{"type": "error", "error": {type, message}}``."""
        await errors.refuse(exchange, refusal)

    def no_such_model(self, model: str) -> RefusedError:
        """404 ``not_found_error``."""
        return RefusedError(404, f"model: {model}")

    def no_such_route(self, exchange: Exchange, allowed: Sequence[str]) -> RefusedError:
        """404 or 405."""
        if allowed:
            return RefusedError(405, "Method Not Allowed", headers={"allow": ", ".join(allowed)})
        return RefusedError(404, "Not found")

    def no_key(self) -> RefusedError:
        """401 ``authentication_error``."""
        return RefusedError(401, "x-api-key header is required")

    def claims(self, path: str) -> bool:
        """``/v1/messages`` and all of ``/anthropic``."""
        return path.startswith(("/v1/messages", "/anthropic/"))
