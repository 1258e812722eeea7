"""Which data source answers, by its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.services.appsync_sources import bedrock, dynamodb, eventbridge, lambda_
from sandbox.services.appsync_sources.errors import SourceError
from sandbox.services.appsync_sources.http import HttpSource
from sandbox.services.http_client import HttpClient

if TYPE_CHECKING:
    from sandbox.control.appsync import DataSource
    from sandbox.services.appsync_sources.asking import Asking, Request

__all__ = ["SourceError", "Sources"]


class Sources:
    """The data sources of all APIs."""

    def __init__(self) -> None:
        self._client = HttpClient()
        self._http = HttpSource(self._client)

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    async def call(
        self,
        request: Request,
        source: DataSource,
        document: Any,
        key: str,
        batch_size: int,
        *,
        direct: bool = False,
    ) -> Any:
        """What the data source answers to a request handler's document. Raises :class:`SourceError`.

        ``key``: the resolver or function that asks, for batches. ``direct``: there is no handler; the answers of
        a batch then carry their own errors.
        """
        if source.type == "AWS_LAMBDA" and isinstance(document, dict):
            return await lambda_.call(request, source, document, key, batch_size, direct=direct)
        return await self.ask(request, source, document)

    async def ask(self, request: Asking, source: DataSource, document: Any) -> Any:
        """The same of any data source but a function."""
        if source.type == "NONE":
            return document.get("payload") if isinstance(document, dict) else None
        if not isinstance(document, dict):
            raise SourceError(f"The request to {source.name} is no object.", "MappingTemplate")
        if source.type == "AMAZON_DYNAMODB":
            return await dynamodb.call(request, source, document)
        if source.type == "HTTP":
            return await self._http.call(request, source, document)
        if source.type == "AMAZON_EVENTBRIDGE":
            return await eventbridge.call(request, source, document)
        if source.type == "AMAZON_BEDROCK_RUNTIME":
            return await bedrock.call(request, source, document, self._client)
        raise NotEmulatedError(f"AppSync data sources of type {source.type}")
