"""The WebSocket handshake: SigV4 in the query, a custom authorizer, or credentials that come with CONNECT (fact 6.2).

How a refusal looks is known from two traces (row ``iot.error.handshake.status``): 403, JSON with ``message`` and
``traceId``, ``x-amzn-ErrorType: ForbiddenException:``, open to pages of any origin.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.auth import Principal, SignedRequest, verify
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.services.iot import authorizers
from sandbox.services.iot.connecting import Refusal
from sandbox.services.iot.identity import Identity, iot_principal
from sandbox.services.iot.mqtt import packets as p
from sandbox.services.iot.mqtt.errors import Reason

if TYPE_CHECKING:
    from sandbox.context import Sandbox, Scope, WebSocket
    from sandbox.services.iot.link import Authenticate

LARGEST_FRAME = 2**20  # bytes; several packets may share one (UNSOURCED)
SUBPROTOCOLS = ("mqtt", "mqttv3.1")
_SUB = "cognito-identity.amazonaws.com:sub"
_AMR = "cognito-identity.amazonaws.com:amr"


class HandshakeError(Exception):
    """The handshake is answered with a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


async def open_socket(sandbox: Sandbox, scope: Scope) -> Authenticate | None:
    """Let a client in; how its CONNECT is judged, or ``None`` when it was turned away."""
    socket: WebSocket = scope["websocket"]
    try:
        chosen = _subprotocol(sandbox, scope)
        authenticate = await _credentials(sandbox, scope)
    except HandshakeError as error:
        await _refuse(sandbox, socket, error)
        return None
    await socket.accept(chosen, max_frame=LARGEST_FRAME, max_message=None)  # MQTT has bounds of its own
    return authenticate


def _subprotocol(sandbox: Sandbox, scope: Scope) -> str:
    for offered in scope["subprotocols"]:
        if offered in SUBPROTOCOLS:
            return str(offered)
    status = int(sandbox.limits.value("iot.error.subprotocol.status"))
    raise HandshakeError(status, "The subprotocol is mqtt.")


async def _credentials(sandbox: Sandbox, scope: Scope) -> Authenticate:
    """Who connects, as far as the request says it."""
    request = SignedRequest.from_scope(scope, b"")
    signed = request.query_value("X-Amz-Algorithm") or (request.header("authorization") or "").startswith(
        "AWS4"
    )
    if signed:
        identity = await _sigv4(sandbox, scope, request)

        async def known(_: p.Connect) -> Identity:
            return identity

        return known
    custom = authorizers.Request.of_handshake(scope, request)
    if custom.name or custom.signature:
        given = await _custom(sandbox, custom)

        async def permitted(_: p.Connect) -> Identity:
            return given

        return permitted
    if not await authorizers.any_active(sandbox):
        raise _forbidden(sandbox, "Forbidden")

    async def later(packet: p.Connect) -> Identity:
        return await _with_connect(sandbox, custom, packet)

    return later


async def _sigv4(sandbox: Sandbox, scope: Scope, request: SignedRequest) -> Identity:
    service = str(sandbox.limits.value("iot.auth.service"))
    region = scope["aws"]["region"] or sandbox.settings.region
    try:
        caller = await verify(request, service, region, sandbox.control.secret_for, sandbox.clock)
    except NotEmulatedError as error:
        raise HandshakeError(error.status, error.message) from error
    except AwsError as error:
        raise _forbidden(sandbox, error.message) from error
    return await identify(sandbox, caller)


async def identify(sandbox: Sandbox, caller: Principal) -> Identity:
    """What an AWS principal may do: IAM's policies, and IoT's for an identity of Cognito that has logged in.

    That it needs both is the developer guide's rule ("Authorization with Amazon Cognito identities").
    """
    lives = float(sandbox.limits.value("iot.connection.lifetime.sigv4"))
    resources = sandbox.control.resources
    identity_id = str(caller.context.get(_SUB, ""))
    if not identity_id:
        return Identity(caller.user_id or caller.arn, (caller,), lives=lives)
    principals = [caller]
    if "authenticated" in caller.context.get(_AMR, ()):
        policies = await resources.iot.policies_of(identity_id)
        principals.append(iot_principal(caller.account, policies, caller.context))
    things = await resources.iot.things_of(identity_id)
    return Identity(identity_id, principals, lives=lives, things=frozenset(things))


async def _custom(sandbox: Sandbox, custom: authorizers.Request) -> Identity:
    try:
        return await authorizers.judge(sandbox, custom)
    except authorizers.DeniedError as denied:
        raise _forbidden(sandbox, "Forbidden") from denied


async def _with_connect(sandbox: Sandbox, custom: authorizers.Request, packet: p.Connect) -> Identity:
    """Credentials in the user name and password of CONNECT."""
    try:
        return await authorizers.judge(sandbox, custom.with_connect(packet))
    except authorizers.DeniedError as denied:
        raise Refusal(str(denied), Reason.NOT_AUTHORIZED, told=packet.level >= p.V5) from denied


def _forbidden(sandbox: Sandbox, message: str) -> HandshakeError:
    return HandshakeError(int(sandbox.limits.value("iot.error.handshake.status")), message)


async def _refuse(sandbox: Sandbox, socket: WebSocket, error: HandshakeError) -> None:
    trace = sandbox.ids.uuid()
    sandbox.timeline.record("iot", "handshake_refused", trace, status=error.status, reason=error.message)
    kind = {403: "ForbiddenException:", 501: "NotImplemented:"}.get(error.status, "InvalidRequestException:")
    headers = [
        ("content-type", "application/json"),
        ("x-amzn-RequestId", trace),
        ("x-amzn-ErrorType", kind),
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "x-amzn-ErrorMessage"),
        ("access-control-expose-headers", "x-amzn-RequestId"),
        ("access-control-expose-headers", "x-amzn-ErrorType"),
        ("access-control-expose-headers", "Date"),
    ]
    body = json.dumps({"message": error.message, "traceId": trace}, separators=(",", ":")).encode()
    await socket.reject(error.status, headers, body)
