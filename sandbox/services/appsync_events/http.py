"""The HTTP endpoint (fact 5.21): a POST of ``{"channel", "events"}`` to ``/event``, and the preflight of browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.auth import SignedRequest
from sandbox.aws import json_text
from sandbox.aws.errors import NotEmulatedError
from sandbox.services.appsync_auth import Credentials
from sandbox.services.appsync_events import frames, publishing
from sandbox.services.appsync_events.errors import RefusedError, bad_request
from sandbox.services.exchange import ClientGoneError, Exchange, client_ip

if TYPE_CHECKING:
    from sandbox.context import Scope
    from sandbox.control.appsync import EventApi
    from sandbox.services.appsync_events.engine import Engine

_LARGEST = 16 * 2**20  # of a request's body; AppSync's own limit is not known here
_FOR_BROWSERS = [("access-control-allow-origin", "*"), ("access-control-expose-headers", "*")]


async def answer(engine: Engine, exchange: Exchange, scope: Scope, api: EventApi, domain: str) -> None:
    """Answer a request."""
    try:
        body = await exchange.read(_LARGEST)
    except ClientGoneError:
        return
    headers = _headers(scope)
    if scope["method"] == "OPTIONS":
        pairs = [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-headers", headers.get("access-control-request-headers", "*")),
            ("access-control-allow-methods", "POST, OPTIONS"),
            ("access-control-max-age", "172800"),
        ]
        await exchange.answer(200, pairs, b"")
        return
    status, document = 200, None
    try:
        if scope["method"] != "POST":  # UNSOURCED
            raise RefusedError(405, "UnknownOperationException", "The endpoint takes POST.")
        source_ip = client_ip(scope)
        given = Credentials(headers, (SignedRequest.from_scope(scope, body),), source_ip)
        document = await publishing.publish(engine, api, _json(body), given, domain, exchange.id)
    except RefusedError as refusal:
        status, document = refusal.status, {"errors": refusal.errors()}
        engine.note("failed", exchange.id, type=refusal.type, reason=refusal.message)
    except NotEmulatedError as error:
        status = error.status
        document = {"errors": [{"errorType": error.code, "message": error.message}]}
    pairs = [("content-type", "application/json"), ("x-amzn-requestid", exchange.id), *_FOR_BROWSERS]
    if status != 200:
        pairs.append(("x-amzn-errortype", document["errors"][0]["errorType"]))
    await exchange.answer(status, pairs, frames.compact(document).encode())


def _json(body: bytes) -> Any:
    try:
        return json_text.loads(body)
    except ValueError as wrong:
        raise bad_request("The body is no valid JSON.") from wrong


def _headers(scope: Scope) -> dict[str, str]:
    """Names in lower case; repeated ones are joined."""
    made: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        made[key] = f"{made[key]}, {text}" if key in made else text
    return made
