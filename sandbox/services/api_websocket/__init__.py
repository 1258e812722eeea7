"""API Gateway WebSocket APIs. See README.md in this folder."""

from sandbox.services.api_websocket.service import WebSocketApiService

__all__ = ["WebSocketApiService"]
