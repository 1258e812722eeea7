"""Request ids as AWS forms them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from mock_llm.text import derive

if TYPE_CHECKING:
    from mock_llm.answering import Turn


def request_id(turn: Turn) -> bytes:
    """A UUID that depends on the turn's identity alone."""
    return uuid_of(turn.identity)


def uuid_of(identity: str) -> bytes:
    """A UUID that depends on an identity alone."""
    return str(uuid.UUID(int=derive("request", identity), version=4)).encode()
