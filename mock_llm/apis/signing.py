"""Signatures of what the model thought: opaque to clients, and told from what it has not signed."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from mock_llm.text import derive

PURPOSE = "mock-llm thinking"
NONCE = 16  # bytes


def signature(identity: str) -> str:
    """The signature of the reasoning of an answer."""
    nonce = derive("thinking", identity).to_bytes(NONCE)
    return base64.b64encode(nonce + _mac(nonce)).decode()


def is_signature(text: Any) -> bool:
    """Whether it is one that the model gave."""
    try:
        raw = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return False
    return len(raw) > NONCE and _mac(raw[:NONCE]) == raw[NONCE:]


def _mac(nonce: bytes) -> bytes:
    return b"".join(derive(PURPOSE, part, nonce).to_bytes(16) for part in range(3))
