"""The kinds of clients that stories know. A protocol brings its own words: one file, one line here."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from sandbox.stories.clients.appsync import AppSyncClient, AppSyncEventsClient
from sandbox.stories.clients.http import HttpClient, StepsClient
from sandbox.stories.clients.mqtt import MqttClient
from sandbox.stories.clients.openai_sdk import OpenAiClient
from sandbox.stories.clients.polling import PollingClient
from sandbox.stories.clients.websocket import WebSocketClient

KINDS = ("http", "steps", "polling", "openai", "websocket", "mqtt", "appsync", "appsync_events")


def _kind(value: Any) -> str:
    kind = value.get("kind", "http") if isinstance(value, dict) else getattr(value, "kind", "http")
    return str(kind)


ClientSpec = Annotated[
    Annotated[HttpClient, Tag("http")]
    | Annotated[StepsClient, Tag("steps")]
    | Annotated[PollingClient, Tag("polling")]
    | Annotated[OpenAiClient, Tag("openai")]
    | Annotated[WebSocketClient, Tag("websocket")]
    | Annotated[MqttClient, Tag("mqtt")]
    | Annotated[AppSyncClient, Tag("appsync")]
    | Annotated[AppSyncEventsClient, Tag("appsync_events")],
    Discriminator(_kind),
]

__all__ = [
    "KINDS",
    "AppSyncClient",
    "AppSyncEventsClient",
    "ClientSpec",
    "HttpClient",
    "MqttClient",
    "OpenAiClient",
    "PollingClient",
    "StepsClient",
    "WebSocketClient",
]
