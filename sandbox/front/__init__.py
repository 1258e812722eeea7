"""The one port: HTTP/1.1, HTTP/2, TLS and WebSocket, told apart by the first bytes, and who answers what."""

from sandbox.front.app import Front
from sandbox.front.listener import Listener

__all__ = ["Front", "Listener"]
