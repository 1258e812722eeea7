"""The HTTP endpoint (facts 5.1, 5.10): a POST of a query or mutation, and the preflight of browsers.

Headers of an answer (CORS for everybody, ``x-amzn-appsync-tokensconsumed``) are as clients of AppSync show them (S).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.auth import SignedRequest
from sandbox.aws.errors import NotEmulatedError
from sandbox.services.appsync.access import Credentials
from sandbox.services.appsync.errors import RequestRefused
from sandbox.services.appsync.realtime.frames import compact
from sandbox.services.appsync.realtime.subscribing import read_query
from sandbox.services.exchange import ClientGoneError, Exchange, client_ip

if TYPE_CHECKING:
    from sandbox.context import Scope
    from sandbox.control.appsync import GraphqlApi
    from sandbox.services.appsync.engine import Engine

_EXPOSED = "x-amzn-RequestId,x-amzn-ErrorType,x-amz-user-agent,x-amzn-ErrorMessage,Date,x-amz-schema-version"
_LARGEST = 256 * 2**20  # of a request's body; AppSync's own limit is not known here


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's headers, names in lower case; repeated ones are joined."""
    made: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        made[key] = f"{made[key]}, {text}" if key in made else text
    return made


async def answer(
    engine: Engine, exchange: Exchange, scope: Scope, api: GraphqlApi, domain: str | None
) -> None:
    """Answer a request on ``/graphql``."""
    try:
        body = await exchange.read(_LARGEST)
    except ClientGoneError:
        return
    if scope["method"] == "OPTIONS":
        await _preflight(exchange, scope)
        return
    extra: Mapping[str, Any] = {}
    try:
        if scope["method"] != "POST":  # UNSOURCED
            raise RequestRefused(405, "UnknownOperationException", "The endpoint takes POST.")
        document, extra = await _run(engine, exchange, api, domain, body)
        status = 200
    except RequestRefused as refusal:
        status, document = refusal.status, refusal.body()
        engine.sandbox.timeline.record(
            "appsync", "failed", exchange.id, type=refusal.type, reason=refusal.message
        )
    except NotEmulatedError as refusal:
        status = refusal.status
        document = {"errors": [{"errorType": refusal.code, "message": refusal.message}]}
    pairs = [
        ("content-type", "application/json;charset=UTF-8"),
        ("x-amzn-requestid", exchange.id),
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", _EXPOSED),
    ]
    if status == 200:
        pairs.append(("x-amzn-appsync-tokensconsumed", "1"))
    elif document["errors"][0].get("errorType"):
        pairs.append(("x-amzn-errortype", document["errors"][0]["errorType"]))
    pairs += [(name, str(value)) for name, value in extra.items()]
    text = compact(document) if status == 200 else spaced(document["errors"])
    await exchange.answer(status, pairs, text.encode())


def spaced(errors: Sequence[Mapping[str, Any]]) -> str:
    """A refusal's body as its quotes have it (amplify-js's issue 2645, amazon-cognito-identity-dart's 25)."""
    shown = (
        ",\n".join(f"    {compact(name)} : {compact(value)}" for name, value in error.items())
        for error in errors
    )
    return '{\n  "errors" : [ {\n' + "\n  }, {\n".join(shown) + "\n  } ]\n}"


async def _run(
    engine: Engine, exchange: Exchange, api: GraphqlApi, domain: str | None, body: bytes
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The answer of a request that was let in, and the headers that its resolvers want on it."""
    scope = exchange.scope
    headers = headers_of(scope)
    source_ip = client_ip(scope)
    refusal, query = None, None
    try:
        query = read_query(body)
    except RequestRefused as wrong:
        refusal = wrong  # who may not ask at all is told that first
    credentials = Credentials(
        headers,
        (SignedRequest.from_scope(scope, body),),
        source_ip,
        query=query.text if query else None,
        operation=query.operation if query else None,
        variables=query.variables if query else None,
    )
    caller = await engine.access.caller(api, credentials)
    if query is None:
        assert refusal is not None
        raise refusal
    request = engine.request(api, caller, headers, domain, exchange.id)
    return await engine.answer(request, query), request.response_headers


async def _preflight(exchange: Exchange, scope: Scope) -> None:
    asked = headers_of(scope).get("access-control-request-headers", "*")
    pairs = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-headers", asked),
        ("access-control-allow-methods", "POST, OPTIONS"),
        ("access-control-max-age", "172800"),
        ("x-amzn-requestid", exchange.id),
    ]
    await exchange.answer(200, pairs, b"")
