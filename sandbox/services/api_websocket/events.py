"""The events of the Lambda proxy integration (fact 3.17).

As printed in the API Gateway developer guide ("WebSocket API Lambda integrations", events of 2024): ``headers`` and
``multiValueHeaders`` in CONNECT and DISCONNECT, a ``body`` only in MESSAGE, the query only when there is one.
``stageVariables`` are there when the stage has some.
"""

from __future__ import annotations

from typing import Any

from sandbox.services.api_websocket.call import Call, Pairs

_NOT_PASSED = frozenset(("connection", "upgrade", "keep-alive", "te", "transfer-encoding"))


def event(call: Call) -> dict[str, Any]:
    """The event that the function gets."""
    whole: dict[str, Any] = {}
    if call.event_type != "MESSAGE":
        whole |= of_headers(call.headers)
    if call.query:
        whole |= of_query(call.query)
    if call.api.stage_variables:
        whole["stageVariables"] = dict(call.api.stage_variables)
    whole["requestContext"] = call.context()
    if call.event_type == "MESSAGE":
        whole["body"] = call.body
    whole["isBase64Encoded"] = False
    return whole


def of_headers(pairs: Pairs) -> dict[str, Any]:
    """``headers`` (the last of several values) and ``multiValueHeaders``."""
    many = _grouped(pairs)
    return {"headers": {name: values[-1] for name, values in many.items()}, "multiValueHeaders": many}


def of_query(pairs: Pairs) -> dict[str, Any]:
    """``queryStringParameters`` and ``multiValueQueryStringParameters``."""
    many = _grouped(pairs)
    return {
        "queryStringParameters": {name: values[-1] for name, values in many.items()},
        "multiValueQueryStringParameters": many,
    }


def headers_of_connect(sent: Pairs, domain: str, source_ip: str, trace_id: str) -> Pairs:
    """The handshake's headers as a function sees them, with what AWS's front adds, by name."""
    kept = [(n, v) for n, v in sent if n.lower() not in _NOT_PASSED and n.lower() != "host"]
    names = {name.lower() for name, _ in kept}
    added = [("Host", domain), ("X-Forwarded-Port", "443"), ("X-Forwarded-Proto", "https")]
    if "x-amzn-trace-id" not in names:
        added.append(("X-Amzn-Trace-Id", trace_id))
    forwarded = ", ".join([v for n, v in kept if n.lower() == "x-forwarded-for"] + [source_ip])
    added.append(("X-Forwarded-For", forwarded))
    replaced = {name.lower() for name, _ in added}
    pairs = [pair for pair in kept if pair[0].lower() not in replaced] + added
    return sorted(pairs, key=lambda pair: pair[0].lower())


def headers_of_disconnect(domain: str) -> Pairs:
    """What a DISCONNECT event has for headers."""
    return [("Host", domain), ("x-api-key", ""), ("X-Forwarded-For", ""), ("x-restapi", "")]


def _grouped(pairs: Pairs) -> dict[str, list[str]]:
    many: dict[str, list[str]] = {}
    for name, value in pairs:
        many.setdefault(name, []).append(value)
    return many
