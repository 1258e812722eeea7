"""Lists in pages."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

from sandbox.aws.errors import AwsError

T = TypeVar("T")


def page(
    items: Sequence[T], limit: int | None, token: str | None, default: int
) -> tuple[list[T], str | None]:
    """The page after ``token`` and the token of the next one, ``None`` at the end. Tokens are opaque to clients."""
    start = _decode(token) if token else 0
    end = start + (limit or default)
    return list(items[start:end]), _encode(end) if end < len(items) else None


def _encode(position: int) -> str:
    return base64.urlsafe_b64encode(f"position:{position}".encode()).decode()


def _decode(token: str) -> int:
    try:
        kind, _, position = base64.urlsafe_b64decode(token).decode().partition(":")
        if kind == "position":
            return int(position)
    except ValueError:
        pass
    raise AwsError(400, "InvalidParameterValueException", f"Invalid pagination token: {token}")
