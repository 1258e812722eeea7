"""The kinds of clients that stories know. A protocol brings its own words: one file, one line here."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from sandbox.stories.clients.http import HttpClient, StepsClient
from sandbox.stories.clients.openai_sdk import OpenAiClient
from sandbox.stories.clients.websocket import WebSocketClient

KINDS = ("http", "steps", "openai", "websocket")


def _kind(value: Any) -> str:
    kind = value.get("kind", "http") if isinstance(value, dict) else getattr(value, "kind", "http")
    return str(kind)


ClientSpec = Annotated[
    Annotated[HttpClient, Tag("http")]
    | Annotated[StepsClient, Tag("steps")]
    | Annotated[OpenAiClient, Tag("openai")]
    | Annotated[WebSocketClient, Tag("websocket")],
    Discriminator(_kind),
]

__all__ = ["KINDS", "ClientSpec", "HttpClient", "OpenAiClient", "StepsClient", "WebSocketClient"]
