"""The frames of the real-time protocol (facts 5.8, 5.9), as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

KA = '{"type":"ka"}'


def compact(value: Any) -> str:
    """JSON without spaces; letters as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def connection_ack(timeout_s: float) -> str:
    """The connection stands; ``timeout_s``: without ``ka`` for so long a client leaves."""
    return compact({"type": "connection_ack", "payload": {"connectionTimeoutMs": round(timeout_s * 1000)}})


def connection_error(error: Mapping[str, Any], code: int) -> str:
    """The connection is refused. As quoted in amplify-flutter's issue 2763 and by .NET clients of AppSync."""
    return compact({"payload": {"errors": [{**error, "errorCode": code}]}, "type": "connection_error"})


def start_ack(id: str) -> str:
    """The subscription stands."""
    return compact({"id": id, "type": "start_ack"})


def complete(id: str) -> str:
    """The subscription has ended."""
    return compact({"id": id, "type": "complete"})


def error(id: str | None, errors: Sequence[Any]) -> str:
    """What a client asked cannot be done."""
    named = {} if id is None else {"id": id}
    return compact({**named, "type": "error", "payload": {"errors": list(errors)}})


def data_head(id: str) -> str:
    """What stands before the payload in a message of a subscription: made once for all its messages."""
    return f'{{"id":{compact(id)},"type":"data","payload":'


def data(head: str, payload: str) -> str:
    """A message of a subscription. ``payload``: JSON, made once for all that get the same."""
    return f"{head}{payload}}}"
