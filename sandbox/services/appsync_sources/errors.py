"""A data source that could not do what it was asked."""

from __future__ import annotations

from typing import Any


class SourceError(Exception):
    """``context.error`` of the response handler. ``data``: what came nevertheless, as ``context.result``."""

    def __init__(self, message: str, type: str, data: Any = None) -> None:
        super().__init__(f"{type}: {message}")
        self.message = message
        self.type = type
        self.data = data
