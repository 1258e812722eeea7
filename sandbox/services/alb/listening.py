"""Which listener a request came to: AWS tells by the port, the sandbox has one for all of them.

The port is, in this order: that of the path (``/_aws/alb/<name>:8080/``); that of the ``Host`` header, unless it is
the sandbox's own; 443 for TLS and 80 without. Where there is no such listener, the one with the lowest port of the
same protocol answers, and where there is none of the protocol, the one with the lowest port: TLS may be left out.
"""

from __future__ import annotations

from sandbox.aws.errors import AwsError
from sandbox.context import Scope
from sandbox.control.elbv2 import Listener, LoadBalancer

_USUAL = {"HTTP": 80, "HTTPS": 443}


def choose(balancer: LoadBalancer, scope: Scope, port: str, own: int) -> Listener:
    """The listener. Raises ``AwsError`` when there is none at the port that was asked for, or none at all."""
    by_port = {listener.port: listener for listener in balancer.listeners.values()}
    asked = int(port) if port else _of_host(scope, own)
    if asked is not None:
        if asked not in by_port:
            raise _none(balancer, f"at port {asked}")
        return by_port[asked]
    protocol = "HTTPS" if scope.get("scheme") in ("https", "wss") else "HTTP"
    if _USUAL[protocol] in by_port:
        return by_port[_USUAL[protocol]]
    in_order = sorted(by_port.values(), key=lambda listener: (listener.protocol != protocol, listener.port))
    if not in_order:
        raise _none(balancer, "yet")
    return in_order[0]


def _of_host(scope: Scope, own: int) -> int | None:
    host = next((value for name, value in scope["headers"] if name in (b"host", b":authority")), b"")
    _, mark, port = host.decode("latin-1").rpartition(":")
    return int(port) if mark and port.isdecimal() and int(port) not in (own, 80, 443) else None


def _none(balancer: LoadBalancer, what: str) -> AwsError:
    ports = ", ".join(f"{one.protocol}:{one.port}" for one in balancer.listeners.values()) or "none"
    return AwsError(
        404, "ListenerNotFound", f"The load balancer {balancer.name} has no listener {what}; it has {ports}."
    )
