"""Headers that the gateway drops, renames or adds.

Recorded against AWS by localstack's validated tests (``header_utils.py``); ``WWW-Authenticate`` of a Lambda proxy is
renamed as client libraries report.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.services.api_rest.call import Call

Pairs = list[tuple[str, str]]

DROPPED_FROM_REQUEST = frozenset(
    (
        "connection",
        "content-length",
        "content-md5",
        "expect",
        "max-forwards",
        "proxy-authenticate",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "www-authenticate",
    )
)
_DROPPED = frozenset(("transfer-encoding", "keep-alive"))
_DROPPED_HTTP_PROXY = _DROPPED | {"content-encoding", "via"}
_REMAPPED = frozenset(("connection", "content-length", "date", "server"))
_REMAPPED_LAMBDA = _REMAPPED | {"www-authenticate"}


def canonical(name: str) -> str:
    """``x-my-header`` as ``X-My-Header``, as HTTP/1.1 clients mostly write names."""
    return "-".join(part.capitalize() for part in name.split("-"))


def of_request(call: Call) -> Pairs:
    """The headers that an integration gets, with what AWS's front adds (to a simulated request it adds none)."""
    if call.simulated:
        return call.sent_headers()
    pairs = [
        (_name(call, name), value)
        for name, value in call.signed.headers
        if name.lower() not in DROPPED_FROM_REQUEST | _OWN and not name.startswith(":")
    ]
    forwarded = call.header("x-forwarded-for")
    return [
        *pairs,
        ("Host", call.domain),
        ("X-Amzn-Trace-Id", call.trace_id),
        ("X-Forwarded-For", f"{forwarded}, {call.source_ip}" if forwarded else call.source_ip),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ]


def _name(call: Call, name: str) -> str:
    """The client's own case when it is known, but for the names that AWS writes in its own way (recorded)."""
    if name.lower() in ("authorization", "user-agent"):
        return canonical(name)
    over_http2 = str(call.scope.get("http_version", "1.1")).startswith("2")  # names are in lower case there
    return name if over_http2 or "sent_headers" in call.scope else canonical(name)


_OWN = frozenset(("host", "x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"))


def of_response(headers: Iterable[tuple[str, str]], integration_type: str) -> Pairs:
    """An integration's headers as the client gets them."""
    dropped = _DROPPED_HTTP_PROXY if integration_type == "HTTP_PROXY" else _DROPPED
    remapped = _REMAPPED_LAMBDA if integration_type == "AWS_PROXY" else _REMAPPED
    return [
        (f"x-amzn-Remapped-{name}" if name.lower() in remapped else name, value)
        for name, value in headers
        if name.lower() not in dropped
    ]


def of_gateway(call: Call, integration_type: str | None) -> Pairs:
    """The gateway's own headers. A trace id goes on neither its own errors nor an HTTP proxy's answers."""
    if call.simulated:  # recorded: no ids, and no trace of a mock
        return [] if integration_type in (None, "MOCK") else [("X-Amzn-Trace-Id", call.trace_id)]
    pairs = [("x-amzn-RequestId", call.request_id), ("x-amz-apigw-id", call.extended_request_id)]
    if integration_type not in (None, "HTTP_PROXY"):
        pairs.append(("X-Amzn-Trace-Id", call.trace_id))
    return pairs
