"""OpenAI's API: chat completions, responses, embeddings and models."""

from __future__ import annotations

from collections.abc import Sequence

from mock_llm.apis import Route
from mock_llm.apis.openai import chat, embeddings, errors, models, responses
from mock_llm.wire import Exchange, RefusedError


class OpenAI:
    """The API as ``https://api.openai.com`` has it, with ``/v1`` in the path; Bedrock's has ``/openai`` before it."""

    name = "openai"
    routes: Sequence[Route] = tuple(
        Route(prefix + path, handlers)
        for prefix in ("/v1", "/openai/v1")
        for path, handlers in (
            ("/chat/completions", {"POST": chat.completions}),
            ("/responses", {"POST": responses.responses}),
            ("/embeddings", {"POST": embeddings.embeddings}),
            ("/models", {"GET": models.all_models}),
            ("/models/{}", {"GET": models.one_model}),
        )
    )

    async def refuse(self, exchange: Exchange, refusal: RefusedError) -> None:
        """Answer ``{"error": {message, type, param, code}}``."""
        await errors.refuse(exchange, refusal)

    def no_such_model(self, model: str) -> RefusedError:
        """404 ``model_not_found``."""
        return errors.model_not_found(model)

    def no_such_route(self, exchange: Exchange, allowed: Sequence[str]) -> RefusedError:
        """404 ``unknown_url``, or 405."""
        if allowed:
            return errors.wrong_method(exchange.method, exchange.path, list(allowed))
        return errors.unknown_url(exchange.method, exchange.path)

    def no_key(self) -> RefusedError:
        """401."""
        return errors.no_key()

    def claims(self, path: str) -> bool:
        """OpenAI's shape is the one for every path that no other API claims."""
        return True
