"""Redirects and fixed answers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.control.elbv2 import Document, Listener
from sandbox.services.alb.rules import Request

_WORD = re.compile(r"#\{(protocol|host|port|path|query)\}")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer without a target."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def response(config: Document) -> Answer:
    """``fixed-response``."""
    text = config.get("MessageBody") or ""
    kind = config.get("ContentType") or ("text/plain" if text else "")
    pairs = [("server", "awselb/2.0")] + ([("content-type", f"{kind}; charset=utf-8")] if kind else [])
    return Answer(int(config["StatusCode"]), pairs, text.encode())


def redirect(config: Document, listener: Listener, request: Request) -> Answer:
    """``redirect``: the parts that are not given stay as they are in the request."""
    own = {
        "protocol": listener.protocol.lower(),
        "host": request.host,
        "port": str(listener.port),
        "path": request.path.lstrip("/"),
        "query": request.query,
    }

    def filled(text: str) -> str:
        return _WORD.sub(lambda found: own[found[1]], text)

    protocol = filled(config["Protocol"]).lower()
    port, path = filled(config["Port"]), filled(config["Path"])
    query = filled(config["Query"])
    place = f"{protocol}://{filled(config['Host'])}:{port}{path if path.startswith('/') else '/' + path}"
    location = place + (f"?{query}" if query else "")
    status = int(str(config["StatusCode"]).removeprefix("HTTP_"))
    return Answer(
        status, [("server", "awselb/2.0"), ("content-type", "text/html"), ("location", location)], b""
    )
