"""The frames of the real-time protocol (fact 5.23), as text. What GraphQL has in ``payload`` is at the top here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

KA = '{"type":"ka"}'


def compact(value: Any) -> str:
    """JSON without spaces, letters as they are: what JavaScript's ``JSON.stringify`` gives."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def connection_ack(timeout_s: float) -> str:
    """The connection stands."""
    return compact({"type": "connection_ack", "connectionTimeoutMs": round(timeout_s * 1000)})


def connection_error(errors: Sequence[Any]) -> str:
    """The connection is refused."""
    return compact({"type": "connection_error", "errors": list(errors)})


def success(kind: str, id: str) -> str:
    """``subscribe_success``, ``unsubscribe_success``."""
    return compact({"id": id, "type": f"{kind}_success"})


def failure(kind: str, id: Any, errors: Sequence[Any]) -> str:
    """``subscribe_error``, ``publish_error``, ``unsubscribe_error``, ``broadcast_error``."""
    named = {"id": id} if isinstance(id, str) else {}
    return compact({**named, "type": f"{kind}_error", "errors": list(errors)})


def published(id: str, result: dict[str, Any]) -> str:
    """``publish_success``: what became of each event."""
    return compact({"id": id, "type": "publish_success", **result})


def unsupported(kind: Any, id: Any) -> str:
    """A message that is none of the protocol (the words are UNSOURCED)."""
    named = {"id": id} if isinstance(id, str) else {}
    told = {
        "errorType": "UnsupportedOperation",
        "message": f"{kind} is not supported through the realtime channel",
    }
    return compact({**named, "type": "error", "errors": [told]})


def data(id: str, event: str) -> str:
    """An event for a subscription. ``event``: its list in JSON, made once for all subscribers."""
    return f'{{"id":{json.dumps(id)},"type":"data","event":{event}}}'
