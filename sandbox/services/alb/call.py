"""A request at a load balancer: what every step of its way needs to know."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sandbox.context import Sandbox, Scope
from sandbox.control.elbv2 import Listener, LoadBalancer, TargetGroup
from sandbox.limits import Limits
from sandbox.services.alb import cookies
from sandbox.services.alb import headers as header_rules
from sandbox.services.alb.errors import of_limit
from sandbox.services.alb.rules import Request
from sandbox.services.alb.selection import Choice, set_cookies
from sandbox.services.exchange import Exchange
from sandbox.services.proxy.hops import Pairs


@dataclass
class Call:
    """``exchange``: the way back to the client; a WebSocket has none until it is refused."""

    sandbox: Sandbox
    scope: Scope
    balancer: LoadBalancer
    listener: Listener
    exchange: Exchange = field(init=False)
    group_cookies: list[tuple[str, str, float]] = field(default_factory=list)
    own_cookies: list[str] = field(default_factory=list)  # Set-Cookie values of a login
    dropped: bytes = b"\0"  # what the client's headers may not begin with, in lower case
    rewritten: bytes | None = None  # path and query for the target, when a transform changed them
    rewritten_host: bytes | None = None
    added: Pairs = field(default_factory=list)  # what a target is told besides

    @property
    def method(self) -> str:
        return str(self.scope.get("method", "GET"))

    @property
    def idle_s(self) -> float:
        """The idle timeout."""
        return float(self.balancer.attributes["idle_timeout.timeout_seconds"])

    def keep(self) -> bool:
        """Let the client's connection close when it is idle; whether it may be kept after this answer (facts 7.2)."""
        connection: Any = self.scope.get("connection")
        if connection is None:  # HTTP/2: one that is kept as long as the client wants it
            return True
        connection.timeout_keep_alive = self.idle_s
        age = asyncio.get_running_loop().time() - connection.opened
        return bool(age < float(self.balancer.attributes["client_keep_alive.seconds"]))

    @cached_property
    def headers(self) -> dict[str, tuple[str, ...]]:
        """By name in lower case."""
        found: dict[str, tuple[str, ...]] = {}
        for name, value in self.scope["headers"]:
            key = name.decode("latin-1").lower()
            found[key] = (*found.get(key, ()), value.decode("latin-1"))
        return found

    def header(self, name: str) -> str | None:
        """The last value of a header."""
        values = self.headers.get(name)
        return values[-1] if values else None

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The cookies that the client sent."""
        return cookies.read(self.headers.get("cookie", ()))

    @cached_property
    def raw_path(self) -> bytes:
        """The path as sent."""
        return (
            bytes(self.scope.get("raw_path") or str(self.scope["path"]).encode()).partition(b"?")[0] or b"/"
        )

    @property
    def target(self) -> bytes:
        """Path and query as they go on."""
        if self.rewritten is not None:
            return self.rewritten
        query: bytes = self.scope["query_string"]
        return self.raw_path + (b"?" + query if query else b"")

    @property
    def length(self) -> bytes | None:
        """``Content-Length``, when the client said it."""
        value = self.header("content-length")
        return value.encode() if value is not None else None

    @property
    def chunked(self) -> bool:
        """Whether the body comes without a length."""
        if self.http2:
            return self.method not in ("GET", "HEAD", "DELETE", "OPTIONS")
        return "chunked" in (self.header("transfer-encoding") or "").lower()

    @cached_property
    def request(self) -> Request:
        """What conditions look at."""
        host = self.header("host") or self.header(":authority") or ""
        client: Any = self.scope.get("client") or ("127.0.0.1", 0)
        return Request(
            self.method,
            host.partition(":")[0].lower(),
            self.raw_path.decode("latin-1"),
            self.scope["query_string"].decode("latin-1"),
            self.headers,
            str(client[0]),
        )

    def client_headers(self, choice: Choice, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The headers of an answer as the client gets them: its cookies besides, and the listener's own."""
        answered = [value for name, value in pairs if name.lower() == "set-cookie"]
        secure, epoch = self.listener.protocol == "HTTPS", self.sandbox.clock.epoch()
        made = set_cookies(choice, self.group_cookies, answered, epoch, secure=secure)
        pairs = header_rules.with_response_attributes(pairs, self.listener)
        return [*pairs, *(("set-cookie", value) for value in (*made, *self.own_cookies))]

    @property
    def http2(self) -> bool:
        return str(self.scope.get("http_version")) == "2"

    def target_headers(self) -> Pairs:
        """The headers as a target gets them."""
        clock = self.sandbox.clock
        made = header_rules.to_target(
            self.scope, self.balancer, self.listener, self.sandbox.ids, clock.epoch()
        )
        kept = [pair for pair in made if not pair[0].lower().startswith(self.dropped)] + self.added
        if self.rewritten_host is None:
            return kept
        host = self.rewritten_host
        return [(name, host if name.lower() == b"host" else value) for name, value in kept]


def check_versions(limits: Limits, call: Call, group: TargetGroup) -> None:
    """Whether a request may go to a group by its protocol version. Raises ``AlbError``.

    Source: Elastic Load Balancing developer guide, load-balancer-troubleshooting, HTTP 464.
    """
    version = group.info["ProtocolVersion"]
    grpc = (call.header("content-type") or "").lower().startswith("application/grpc")
    if version != "HTTP1" and not call.http2:
        reason = f"the request is HTTP/1.1, the target group {version}"
    elif version == "HTTP1" and grpc:
        reason = "the request is gRPC, the target group HTTP/1.1"
    elif version == "GRPC" and call.method != "POST":
        reason = f"the request's method is {call.method}, and the target group is gRPC"
    else:
        return
    raise of_limit(limits, "versions", reason)
