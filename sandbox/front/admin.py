"""The sandbox's own pages: what runs, the clock, the timeline, reset, the mock model's pace, the CA.

======================================== ============================================================
``GET /``                                what this is and where things are
``GET /_sandbox/status``                 clock, date, ports, what is in flight
``POST /_sandbox/clock/advance``         ``{"seconds": 600}``: let time pass; answers ``{"now": ...}``
``GET /_sandbox/timeline?after=N``       events from number N on: ``{"events": [...], "next": M}``
``POST /_sandbox/reset``                 forget every resource, environment and event
``POST /_sandbox/model``                 the mock model's pace, as its own ``/_mock/configure``
``POST /_sandbox/anomalies``             what goes wrong with deliveries: words of ``sandbox/anomalies.py``
``GET /_sandbox/ca.pem``                 the certificate authority to trust for TLS
======================================== ============================================================
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from sandbox.context import Receive, Sandbox, Scope, Send

Answer = tuple[int, Any]

# Emulated without a data plane of their own: the mock model answers for Bedrock, the control plane for SQS.
WITHOUT_ADDRESS = ("bedrock", "sqs")


class BadRequest(Exception):  # noqa: N818 - it is the answer's name
    """The request to the sandbox itself is wrong; the text says what."""


class Admin:
    """ASGI application of the sandbox's own pages."""

    def __init__(self, sandbox: Sandbox, reset: Callable[[], Awaitable[None]], ca: Path) -> None:
        self._sandbox = sandbox
        self._reset = reset
        self._ca = ca

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "no such page"})
            return
        handlers: dict[tuple[str, str], Callable[..., Awaitable[Answer]]] = {
            ("GET", "/"): self._index,
            ("GET", "/_sandbox/status"): self._status,
            ("POST", "/_sandbox/clock/advance"): self._advance,
            ("GET", "/_sandbox/timeline"): self._timeline,
            ("POST", "/_sandbox/reset"): self._do_reset,
            ("POST", "/_sandbox/model"): self._model,
            ("POST", "/_sandbox/anomalies"): self._anomalies,
            ("GET", "/_sandbox/ca.pem"): self._certificate,
        }
        path = scope["path"].rstrip("/") or "/"
        handler = handlers.get((scope["method"], path))
        if handler is None:
            allowed = [method for method, known in handlers if known == path]
            status, body = (405 if allowed else 404), {"error": _unknown(scope["method"], path, allowed)}
        else:
            try:
                status, body = await handler(scope, receive)
            except BadRequest as error:
                status, body = 400, {"error": str(error)}
        await _send(send, status, body)

    async def _index(self, scope: Scope, receive: Receive) -> Answer:
        endpoint = self._sandbox.endpoint
        return 200, {
            "sandbox": "AWS streaming sandbox",
            "aws_endpoint_url": endpoint,
            "mock_model": f"{endpoint}/_llm/v1",
            "status": f"{endpoint}/_sandbox/status",
            "timeline": f"{endpoint}/_sandbox/timeline",
        }

    async def _status(self, scope: Scope, receive: Receive) -> Answer:
        sandbox = self._sandbox
        control: Any = sandbox.control
        return 200, {
            "ready": True,
            "endpoint": sandbox.endpoint,
            "clock": sandbox.clock.kind,
            "now_s": sandbox.clock.now(),
            "date": sandbox.clock.utcnow().isoformat(),
            "as_of": sandbox.limits.as_of.isoformat(),
            "region": sandbox.settings.region,
            "account": sandbox.settings.account,
            "services": sorted((*sandbox.services, *WITHOUT_ADDRESS)),
            "mock_model": f"{sandbox.endpoint}/_llm/v1",
            "backend": control.backend,
            "in_flight": sorted(sandbox.clock.in_flight_names()),
            "events": len(sandbox.timeline),
        }

    async def _advance(self, scope: Scope, receive: Receive) -> Answer:
        document = await _json(receive)
        seconds = document.get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise BadRequest('"seconds" must be a number of seconds')
        if not math.isfinite(seconds) or seconds < 0:
            raise BadRequest(f'"seconds" must be finite and not negative, not {seconds}')
        try:
            now = await self._sandbox.clock.advance(float(seconds))
        except (OverflowError, ValueError) as error:
            raise BadRequest(str(error)) from error
        self._sandbox.timeline.record("clock", "advanced", to=now)
        return 200, {"now": now}

    async def _timeline(self, scope: Scope, receive: Receive) -> Answer:
        text = parse_qs(scope["query_string"].decode("latin-1")).get("after", ["0"])[0]
        if not (text.isascii() and text.isdecimal()):
            raise BadRequest(f'"after" must be the number of an event, not {text!r}')
        after = int(text)
        events = list(self._sandbox.timeline)
        rows = [
            {
                "at": event.at,
                "source": event.source,
                "name": event.name,
                "id": event.id,
                "data": dict(event.data),
            }
            for event in events[after:]
        ]
        return 200, {"events": rows, "next": max(after, len(events))}

    async def _do_reset(self, scope: Scope, receive: Receive) -> Answer:
        await self._reset()
        return 200, {}

    async def _model(self, scope: Scope, receive: Receive) -> Answer:
        try:
            self._sandbox.model.configure(**await _json(receive))
        except (TypeError, ValueError) as error:
            raise BadRequest(f"the mock model cannot be configured so: {error}") from error
        return 200, {}

    async def _anomalies(self, scope: Scope, receive: Receive) -> Answer:
        try:
            self._sandbox.anomalies.configure(**await _json(receive))
        except ValueError as error:
            raise BadRequest(str(error)) from error
        return 200, {}

    async def _certificate(self, scope: Scope, receive: Receive) -> Answer:
        return 200, self._ca.read_bytes()


def _unknown(method: str, path: str, allowed: list[str]) -> str:
    if allowed:
        return f"{path} takes {', '.join(allowed)}, not {method}"
    return f"the sandbox has no page {path}; / lists them"


async def _json(receive: Receive) -> dict[str, Any]:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("the request was cut short")
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    try:
        document = json.loads(body or b"{}")
    except ValueError as error:
        raise BadRequest(f"the body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadRequest("the body must be a JSON object")
    return document


async def _send(send: Send, status: int, body: Any) -> None:
    raw, kind = (
        (body, b"application/x-pem-file")
        if isinstance(body, bytes)
        else (json.dumps(body, default=str).encode(), b"application/json")
    )
    headers = [(b"content-type", kind), (b"content-length", str(len(raw)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": raw})
