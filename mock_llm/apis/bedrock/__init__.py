"""Amazon Bedrock's runtime API: Converse and InvokeModel, whole and as event streams, and CountTokens."""

from __future__ import annotations

from collections.abc import Sequence

from mock_llm.apis import Route
from mock_llm.apis.bedrock import converse, counting, errors, invoke
from mock_llm.wire import Exchange, RefusedError


class Bedrock:
    """The API as ``https://bedrock-runtime.{region}.amazonaws.com`` has it. Signatures are not checked here."""

    name = "bedrock"
    routes: Sequence[Route] = (
        Route("/model/{*}/converse", {"POST": converse.converse}),
        Route("/model/{*}/converse-stream", {"POST": converse.converse_stream}),
        Route("/model/{*}/invoke", {"POST": invoke.invoke_model}),
        Route("/model/{*}/invoke-with-response-stream", {"POST": invoke.invoke_model_with_response_stream}),
        Route("/model/{*}/count-tokens", {"POST": counting.count_tokens}),
        Route("/model/{*}/invoke-with-bidirectional-stream", {"POST": invoke.bidirectional}),
    )

    async def refuse(self, exchange: Exchange, refusal: RefusedError) -> None:
        """Answer ``{"message": ...}`` with ``x-amzn-ErrorType``."""
        await errors.refuse(exchange, refusal)

    def no_such_model(self, model: str) -> RefusedError:
        """400, as for every identifier that is none."""
        return RefusedError(400, "The provided model identifier is invalid.")

    def no_such_route(self, exchange: Exchange, allowed: Sequence[str]) -> RefusedError:
        """404 ``UnknownOperationException``."""
        return RefusedError(404, "", code="UnknownOperationException")

    def no_key(self) -> RefusedError:
        """403."""
        return RefusedError(403, "Missing Authentication Token", code="MissingAuthenticationTokenException")

    def claims(self, path: str) -> bool:
        """All of ``/model/``."""
        return path.startswith("/model/")
