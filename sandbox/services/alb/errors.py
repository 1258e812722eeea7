"""Answers that the load balancer makes itself (facts 7.3 to 7.6). Their bodies are UNSOURCED."""

from __future__ import annotations

from http import HTTPStatus

from sandbox.limits import Limits

_OWN = {460: "Client Closed Request", 463: "Bad Request", 464: "Incompatible Protocol", 561: "Unauthorized"}


class AlbError(Exception):
    """The request ends with a status of the load balancer's own. ``reason`` is for the timeline."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def of_limit(limits: Limits, name: str, reason: str) -> AlbError:
    """An error whose status is a row of the limits: ``bad_gateway``."""
    return AlbError(int(limits.value(f"alb.error.{name}.status")), reason)


def phrase(status: int) -> str:
    """The words behind a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return _OWN.get(status, "")


def body(limits: Limits, status: int) -> bytes:
    """The page of a status."""
    sample = str(limits.value("alb.error.bad_gateway.body"))
    return sample.replace("502 Bad Gateway", f"{status} {phrase(status)}".strip()).encode()


def headers(limits: Limits) -> list[tuple[str, str]]:
    """What every answer of the load balancer's own carries."""
    return [("server", str(limits.value("alb.error.server_header"))), ("content-type", "text/html")]
