"""Headers of a request on its way to a target, and of an answer on its way back (facts 7.10, 7.11, 7.13)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.aws.ids import IdSource
from sandbox.control.elbv2 import Listener, LoadBalancer
from sandbox.limits import Limits
from sandbox.services.alb.errors import AlbError, of_limit
from sandbox.services.proxy.hops import HOP_BY_HOP, Pairs, connection_names, joined_cookies

_MOST_FORWARDED = 30  # addresses in X-Forwarded-For: facts 7.6
_VALID_NAME = re.compile(rb"[-A-Za-z0-9]+")


def check(limits: Limits, scope: Mapping[str, Any]) -> None:
    """Refuse what is too large, or framed in a way that the load balancer does not know. Raises ``AlbError``."""
    method, version = str(scope.get("method", "GET")), str(scope.get("http_version", "1.1"))
    if version not in ("1.0", "1.1", "2"):
        raise of_limit(limits, "unknown_version", f"HTTP/{version} on a connection of HTTP/1.1")
    if method == "TRACE":
        raise of_limit(limits, "trace", "TRACE is not supported")
    line, total = int(limits.value("alb.header.line")), int(limits.value("alb.header.total"))
    path = bytes(scope.get("raw_path") or b"")
    request_line = len(method) + len(path) + len(scope["query_string"]) + 11
    sizes = [len(name) + len(value) + 4 for name, value in scope["headers"]]
    if request_line > line or any(size > line for size in sizes) or request_line + sum(sizes) > total:
        raise AlbError(400, "the request's headers are too large")
    hosts = sum(name == b"host" for name, _ in scope["headers"])
    if hosts > 1 and version != "2":  # RFC 9112, section 3.2
        raise AlbError(400, "the request has more than one Host header")
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" and value.strip().lower() not in (b"chunked", b"identity"):
            raise of_limit(limits, "transfer_encoding", f"Transfer-Encoding {value!r} is not supported")
        if name == b"x-forwarded-for" and value.count(b",") >= _MOST_FORWARDED:
            raise AlbError(463, f"X-Forwarded-For has more than {_MOST_FORWARDED} addresses")


def to_target(
    scope: Mapping[str, Any],
    balancer: LoadBalancer,
    listener: Listener,
    ids: IdSource,
    epoch: float,
) -> Pairs:
    """The headers of a request as a target gets them, without those that frame its body."""
    sent: Sequence[tuple[bytes, bytes]] = scope.get("sent_headers") or scope["headers"]
    dropped = HOP_BY_HOP | connection_names(sent) | {b"expect", b"content-length"}
    attributes = balancer.attributes
    own = {b"host", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-port", b"x-amzn-trace-id"}
    strict = attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    kept = [
        (name, value)
        for name, value in sent
        if name.lower() not in dropped | own
        and not name.startswith(b":")
        and not (strict and not _VALID_NAME.fullmatch(name))
    ]
    before = {name.lower(): value for name, value in sent}
    made: Pairs = [(b"X-Forwarded-For", value) for value in _forwarded_for(scope, attributes, sent)]
    made += [
        (b"X-Forwarded-Proto", listener.protocol.lower().encode()),
        (b"X-Forwarded-Port", str(listener.port).encode()),
        (b"Host", _host(before.get(b"host", before.get(b":authority", b"")), listener, attributes)),
        (b"X-Amzn-Trace-Id", _trace(before.get(b"x-amzn-trace-id"), ids, epoch)),
    ]
    return made + joined_cookies(kept)


def _forwarded_for(
    scope: Mapping[str, Any], attributes: Mapping[str, str], sent: Iterable[tuple[bytes, bytes]]
) -> list[bytes]:
    given = [value for name, value in sent if name.lower() == b"x-forwarded-for"]
    mode = attributes["routing.http.xff_header_processing.mode"]
    if mode == "remove":
        return []
    if mode == "preserve":
        return given
    host, port = scope.get("client") or ("127.0.0.1", 0)
    address = f"{host}:{port}" if attributes["routing.http.xff_client_port.enabled"] == "true" else host
    return [b", ".join([*given, address.encode()])]


def _host(given: bytes, listener: Listener, attributes: Mapping[str, str]) -> bytes:
    """As the client said it; the listener's port is added where it is not the usual one."""
    if attributes["routing.http.preserve_host_header.enabled"] == "true" or b":" in given or not given:
        return given
    usual = {"HTTP": 80, "HTTPS": 443}[listener.protocol]
    return given if listener.port == usual else given + b":%d" % listener.port


def _trace(given: bytes | None, ids: IdSource, epoch: float) -> bytes:
    """``X-Amzn-Trace-Id``: a new root, or the load balancer's own part before what came."""
    made = f"1-{int(epoch):08x}-{ids.hex(24)}".encode()
    if not given:
        return b"Root=" + made
    return b"Self=" + made + b";" + given


def to_client(pairs: Pairs, listener: Listener) -> list[tuple[str, str]]:
    """The headers of a target's answer as a client gets them."""
    dropped = HOP_BY_HOP | connection_names(pairs)
    if listener.attributes["routing.http.response.server.enabled"] != "true":
        dropped |= {b"server"}
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in pairs
        if name.lower() not in dropped
    ]


def with_response_attributes(pairs: list[tuple[str, str]], listener: Listener) -> list[tuple[str, str]]:
    """The headers that the listener's attributes put into every answer."""
    prefix, suffix = "routing.http.response.", ".header_value"
    for key, value in listener.attributes.items():
        if value and key.startswith(prefix) and key.endswith(suffix):
            name = key[len(prefix) : -len(suffix)].replace("_", "-")
            pairs = [pair for pair in pairs if pair[0].lower() != name] + [(name, value)]
    return pairs
