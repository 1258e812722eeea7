"""The kinds of clients that stories know. A protocol brings its own words: one file, one line here."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from sandbox.stories.clients.http import HttpClient
from sandbox.stories.clients.openai_sdk import OpenAiClient

KINDS = ("http", "openai")


def _kind(value: Any) -> str:
    kind = value.get("kind", "http") if isinstance(value, dict) else getattr(value, "kind", "http")
    return str(kind)


ClientSpec = Annotated[
    Annotated[HttpClient, Tag("http")] | Annotated[OpenAiClient, Tag("openai")],
    Discriminator(_kind),
]

__all__ = ["KINDS", "ClientSpec", "HttpClient", "OpenAiClient"]
