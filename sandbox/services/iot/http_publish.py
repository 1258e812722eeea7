"""``POST /topics/<topic>`` for devices without AWS credentials: a custom authorizer lets them publish (fact 6.2).

Signed requests are the control plane's (``iot-data``). The body of the answer is UNSOURCED.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from sandbox.auth import SignedRequest
from sandbox.aws.errors import AwsError
from sandbox.services.iot import authorizers
from sandbox.services.iot.data import Data

if TYPE_CHECKING:
    from sandbox.context import Address, Receive, Scope, Send
    from sandbox.services.iot.broker import Broker

PREFIX = "/topics/"


def is_meant(address: Address) -> bool:
    """Whether a request is a publish that names an authorizer, or brings what one looks at."""
    if address.method != "POST" or not address.path.startswith(PREFIX):
        return False
    query = {name.lower() for name in parse_qs(address.query)}
    wanted = (authorizers.NAME, authorizers.SIGNATURE)
    return any(name in address.headers or name in query for name in wanted)


async def answer(broker: Broker, scope: Scope, receive: Receive, send: Send) -> None:
    """Publish, and say so. Raises ``AwsError``."""
    sandbox = broker.sandbox
    request = SignedRequest.from_scope(scope, b"")
    try:
        identity = await authorizers.judge(sandbox, authorizers.Request.of_handshake(scope, request))
    except authorizers.DeniedError as denied:
        trace = sandbox.ids.uuid()
        broker.note("handshake_refused", trace, status=403, reason=str(denied))
        raise AwsError(403, "ForbiddenException", "Forbidden", fields={"traceId": trace}) from denied
    body = await _body(receive)
    trace = await Data(broker).publish(_params(scope, body), identity)
    text = json.dumps({"message": "OK", "traceId": trace}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def _params(scope: Scope, body: bytes) -> dict[str, Any]:
    """The parameters of ``Publish``: the topic in the path, ``qos`` and ``retain`` in the query."""
    path = bytes(scope["raw_path"]).partition(b"?")[0].decode("latin-1")
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    qos = query.get("qos", "0")
    if qos not in ("0", "1"):
        raise AwsError(400, "InvalidRequestException", f"qos is 0 or 1, not {qos}")
    return {
        "topic": unquote(path.removeprefix(PREFIX)),
        "qos": int(qos),
        "retain": query.get("retain", "false").lower() == "true",
        "payload": body,
    }


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise AwsError(400, "InvalidRequestException", "The client left before its request ended.")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
