"""What a health check asks a target, by the target group's kind, and the code that it answers with.

Sources: Elastic Load Balancing developer guide, target-group-health-checks, and lambda-functions (the event);
botocore, elbv2, CreateTargetGroupInput and Matcher. That a check of a group of HTTP/2 is HTTP/2 too is UNSOURCED.
"""

from __future__ import annotations

import json
from contextlib import suppress

from sandbox.aws.http_integration import PreludeError
from sandbox.context import Invocation, Sandbox
from sandbox.control.elbv2 import Target, TargetGroup
from sandbox.services.alb import lambda_target
from sandbox.services.alb.carriers import http2_head, place_of
from sandbox.services.lambda_answer import AnswerError
from sandbox.services.proxy import hops
from sandbox.services.proxy.upstream import (
    Head,
    MalformedError,
    Pairs,
    Place,
    Pool,
    RefusedError,
    Trailers,
    UpstreamError,
    unverified,
)

_AGENT = "ELB-HealthChecker/2.0"
_NO_MESSAGE = bytes(5)  # gRPC: not compressed, of no length


async def ask(sandbox: Sandbox, group: TargetGroup, target: Target) -> int:
    """The status of an answer, or of a call of gRPC. Raises ``UpstreamError``, ``AwsError``."""
    if group.type == "lambda":
        return await _function(sandbox, group, target)
    port, own = group.info["HealthCheckPort"], sandbox.settings.port
    place = place_of(target, own, None if port == "traffic-port" else int(port))
    if place is None:
        raise RefusedError(f"{target.id} is nowhere on this machine")
    shown = f"{target.address}:{target.port if port == 'traffic-port' else port}".encode()
    pairs = [(b"Host", shown), (b"User-Agent", _AGENT.encode())]
    limit, path = (
        int(sandbox.limits.value("alb.response.header")),
        str(group.info["HealthCheckPath"]).encode(),
    )
    secure = group.info["HealthCheckProtocol"] == "HTTPS"
    if group.info["ProtocolVersion"] == "HTTP1":
        return await _http1(place, path, pairs, limit, secure=secure)
    return await _http2(
        place, path, pairs, limit, secure=secure, grpc=group.info["ProtocolVersion"] == "GRPC"
    )


async def _http1(place: Place, path: bytes, pairs: Pairs, limit: int, *, secure: bool) -> int:
    tls = unverified("http/1.1") if secure else None
    upstream = await Pool().take(place, limit, fresh=True, tls=tls)
    try:
        more = [(b"Connection", b"close"), (b"Accept-Encoding", b"gzip, compressed")]
        upstream.begin(hops.head(b"GET", path, [*pairs, *more]), head_only=False)
        head = await upstream.next()
        assert isinstance(head, Head)
        with suppress(UpstreamError):
            while await upstream.next() is not None:
                pass
        return head.status
    finally:
        upstream.release()
        upstream.close()


async def _http2(place: Place, path: bytes, pairs: Pairs, limit: int, *, secure: bool, grpc: bool) -> int:
    from sandbox.services.proxy.upstream2 import Pool2

    pool = Pool2()
    try:
        connection = await pool.take(place, limit, unverified("h2") if secure else None)
        if grpc:
            pairs = [*pairs, (b"content-type", b"application/grpc"), (b"te", b"trailers")]
        head = http2_head(b"POST" if grpc else b"GET", b"https" if secure else b"http", path, pairs)
        stream = connection.begin(head, end=not grpc)
        if grpc:
            await stream.write(_NO_MESSAGE)
            await stream.finish()
        answer = await stream.next()
        assert isinstance(answer, Head)
        if not grpc:
            return answer.status
        said = answer.headers
        while (came := await stream.next()) is not None:
            if isinstance(came, Trailers):
                said = came.headers
        return _grpc_status(said)
    finally:
        pool.close()


def _grpc_status(headers: Pairs) -> int:
    value = dict(headers).get(b"grpc-status", b"")
    if not value.isdigit():
        raise MalformedError("the target's answer has no grpc-status")
    return int(value)


async def _function(sandbox: Sandbox, group: TargetGroup, target: Target) -> int:
    """The status that a function answers a check with; each is an invocation that is billed."""
    multi = group.attributes["lambda.multi_value_headers.enabled"] == "true"
    headers = (
        {"multiValueHeaders": {"user-agent": [_AGENT]}} if multi else {"headers": {"user-agent": _AGENT}}
    )
    query = "multiValueQueryStringParameters" if multi else "queryStringParameters"
    event = {
        "requestContext": {"elb": {"targetGroupArn": group.arn}},
        "httpMethod": "GET",
        "path": group.info["HealthCheckPath"],
        query: {},
        **headers,
        "body": "",
        "isBase64Encoded": False,
    }
    result = await sandbox.invoke(Invocation(target.id, json.dumps(event).encode(), cause="health check"))
    if result.function_error is not None:
        raise MalformedError("the function failed")
    try:
        return lambda_target.interpret(result.payload, multi=multi)[0]
    except (AnswerError, PreludeError) as error:
        raise MalformedError(str(error)) from error
