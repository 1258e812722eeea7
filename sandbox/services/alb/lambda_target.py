"""Lambda functions as targets (facts 7.9): the whole body in, the whole answer out, nothing streams.

Source of the event and of the answer: Elastic Load Balancing developer guide, "Use Lambda functions as targets of an
Application Load Balancer".
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any

from sandbox.aws import json_text
from sandbox.aws.errors import AwsError
from sandbox.aws.http_integration import PreludeError, name_of, status_of, text_of
from sandbox.context import Invocation
from sandbox.control.elbv2 import Target, TargetGroup
from sandbox.services.alb.call import Call
from sandbox.services.alb.errors import AlbError, of_limit
from sandbox.services.lambda_answer import AnswerError, body_of
from sandbox.services.proxy import hops

# Bodies of these types go as text, all others in base64.
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")

Answer = tuple[int, list[tuple[str, str]], bytes]


async def answer(call: Call, group: TargetGroup, target: Target) -> Answer:
    """Invoke the function and read its answer. Raises ``AlbError``."""
    limits = call.sandbox.limits
    body = await _body_of(call, int(limits.value("alb.lambda.request")))
    multi = group.attributes["lambda.multi_value_headers.enabled"] == "true"
    payload = json.dumps(event(call, group, body, multi=multi), separators=(",", ":")).encode()
    try:
        result = await call.sandbox.invoke(Invocation(target.id, payload, cause=call.exchange.id))
    except AwsError as error:
        raise of_limit(limits, "bad_gateway", f"{error.code}: {error.message}") from error
    if result.function_error is not None:
        raise of_limit(limits, "bad_gateway", f"the function failed: {result.payload[:200]!r}")
    if len(result.payload) > int(limits.value("alb.lambda.response")):
        raise of_limit(limits, "bad_gateway", "the function's answer is over the limit")
    try:
        return interpret(result.payload, multi=multi)
    except (AnswerError, PreludeError) as error:
        raise of_limit(limits, "bad_gateway", str(error)) from error


async def _body_of(call: Call, largest: int) -> bytes:
    """The whole body. Raises ``AlbError`` when it is too large, or does not come."""
    body, now = bytearray(), asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(call.idle_s) as silence:
            async for part in call.exchange.parts():
                silence.reschedule(now() + call.idle_s)
                body += part
                if len(body) > largest:
                    raise AlbError(413, "the body is too large for a Lambda target")
    except TimeoutError:
        reason = "the client sent nothing until the idle timeout"
        raise of_limit(call.sandbox.limits, "client_idle", reason) from None
    return bytes(body)


def event(call: Call, group: TargetGroup, body: bytes, *, multi: bool) -> dict[str, Any]:
    """What the function is given. With ``multi`` all values of a header or parameter, else the last one."""
    path, _, asked = call.target.partition(b"?")
    query = [
        (name, value)
        for name, _, value in (part.partition("=") for part in asked.decode("latin-1").split("&") if part)
    ]  # as the client encoded them: the load balancer does not decode
    pairs = [(n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in call.target_headers()]
    length = [("content-length", str(len(body)))] if body else []
    text, binary = _body(call, body)
    made: dict[str, Any] = {
        "requestContext": {"elb": {"targetGroupArn": group.arn}},
        "httpMethod": call.method,
        "path": path.decode("latin-1"),
    }
    for name, values in (("queryStringParameters", query), ("headers", [*pairs, *length])):
        if multi:
            capital = name[0].upper() + name[1:]
            made[f"multiValue{capital}"] = _all(values)
        else:
            made[name] = dict(values)
    return {**made, "body": text, "isBase64Encoded": binary}


def _all(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _body(call: Call, body: bytes) -> tuple[str, bool]:
    kind = (call.header("content-type") or "").lower()
    encoded = call.header("content-encoding") is not None
    if not body or (kind.startswith(_TEXT) and not encoded):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return b64encode(body).decode(), True


def interpret(payload: bytes, *, multi: bool) -> Answer:
    """The answer that a function's return value means. Raises ``AnswerError``, ``PreludeError``."""
    try:
        value = json_text.loads(payload)
    except ValueError as error:
        raise AnswerError(f"the function's answer is no JSON: {error}") from error
    if not isinstance(value, dict) or "statusCode" not in value:
        raise AnswerError("the function's answer has no statusCode")
    status = status_of(value["statusCode"])
    given = value.get("multiValueHeaders" if multi else "headers") or {}
    if not isinstance(given, dict):
        raise AnswerError("the headers of the function's answer are no object")
    pairs = []
    for name, held in given.items():
        for one in held if isinstance(held, list) else [held]:
            if name.lower().encode() not in hops.HOP_BY_HOP and one is not None:
                pairs.append((name_of(name), text_of(one)))
    if not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("content-type", "application/octet-stream"))
    return status, pairs, body_of(value)
