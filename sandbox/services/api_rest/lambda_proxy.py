"""``AWS_PROXY``: the event of format 1.0, the permission, the invocation, the answer (facts 1.5, 1.6).

The event is as recorded against AWS (localstack's validated tests, 2024-07-10): single values are the last of
several, ``path`` and path parameters keep their encoding, ``null`` stands for what is empty.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.auth import Principal, as_statements, authorize
from sandbox.aws.errors import AwsError
from sandbox.aws.http_integration import DELIMITER, name_of, parse, status_of
from sandbox.context import Invocation, InvocationResult
from sandbox.services.api_rest import headers as names
from sandbox.services.api_rest import media
from sandbox.services.api_rest.call import Answer, Call, Pairs
from sandbox.services.api_rest.gateway_response import GatewayError, internal, of_limit
from sandbox.services.api_rest.mapping import with_stage_variables

URI = re.compile(
    r"arn:[^:]+:apigateway:[^:]+:lambda:path/(?P<version>[^/]+)/functions/(?P<function>[^/]+)/"
    r"(?P<operation>invocations|response-streaming-invocations)"
)
_MEMBERS = frozenset(("statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"))
GATEWAY = Principal.aws_service("apigateway.amazonaws.com")


def event(call: Call) -> dict[str, Any]:
    """The event that the function gets."""
    many_headers: dict[str, list[str]] = {}
    for name, value in sorted(names.of_request(call), key=lambda pair: pair[0].lower()):
        many_headers.setdefault(name, []).append(value)
    many_query: dict[str, list[str]] = {}
    for name, value in call.query():
        many_query.setdefault(name, []).append(value)
    body, base64 = media.encode(call.body, call.header("content-type"), call.api.binary_media_types)
    return {
        "resource": call.resource.path,
        "path": call.path,
        "httpMethod": call.http_method,
        "headers": {name: values[-1] for name, values in many_headers.items()} or None,
        "multiValueHeaders": many_headers or None,
        "queryStringParameters": {name: values[-1] for name, values in many_query.items()} or None,
        "multiValueQueryStringParameters": many_query or None,
        "pathParameters": call.path_parameters or None,
        "stageVariables": dict(call.api.stage_variables) or None,
        "requestContext": call.context(),
        "body": body,
        "isBase64Encoded": base64,
    }


def function_of(call: Call, operation: str) -> str:
    """The function's ARN in the integration's URI. Raises ``GatewayError`` when the URI is none."""
    uri = with_stage_variables(call.integration.uri, call.api.stage_variables)
    found = URI.fullmatch(uri)
    if found is None or found["operation"] != operation:
        raise _misconfigured(call, f"the integration's URI {uri!r} names no Lambda {operation}")
    if call.integration.http_method not in ("POST", "ANY", ""):
        raise _misconfigured(
            call, f"a Lambda integration's method is POST, not {call.integration.http_method}"
        )
    return found["function"]


async def invocation(call: Call, operation: str = "invocations") -> Invocation:
    """The call of the function. Raises ``GatewayError`` when API Gateway has no permission for it."""
    function = function_of(call, operation)
    await check_permission(call, function)
    payload = json.dumps(event(call), separators=(",", ":"), ensure_ascii=False).encode()
    return Invocation(function, payload, trace_id=call.trace_id, cause=call.request_id)


async def check_permission(call: Call, function: str) -> None:
    """The function's policy has to let API Gateway in, unless the integration names a role of its own."""
    if call.integration.credentials:
        return
    if not await permitted(call, function, call.arn()):
        raise _misconfigured(call, f"{function} does not permit apigateway.amazonaws.com for {call.arn()}")


async def permitted(call: Call, function: str, source_arn: str) -> bool:
    """Whether the function's policy lets API Gateway invoke it for a method or an authorizer."""
    name, qualifier = _parts(function)
    policy = await call.sandbox.control.resources.function_policy(name, qualifier)
    account = call.sandbox.settings.account
    return authorize(
        GATEWAY,
        "lambda:InvokeFunction",
        function,
        resource_policy=as_statements(policy),
        context={"aws:SourceArn": source_arn, "aws:SourceAccount": account},
    )


def _parts(function: str) -> tuple[str, str | None]:
    """Name and qualifier of a function's ARN or name."""
    parts = function.split(":")
    rest = parts[6:] if function.startswith("arn:") else parts
    return rest[0] if rest else "", rest[1] if len(rest) > 1 else None


def _misconfigured(call: Call, reason: str) -> GatewayError:
    status = int(call.sandbox.limits.value("api_rest.error.permission.status"))
    return internal(call.sandbox.limits, "API_CONFIGURATION_ERROR", status, reason)


async def integrate(call: Call) -> Answer:
    """Invoke the function and take its answer. Raises ``GatewayError``."""
    request = await invocation(call)
    limits = call.sandbox.limits
    result = await invoked(call, request)
    if result.function_error is not None:
        text = result.payload[:200].decode("utf-8", "replace")
        raise of_limit(limits, "INTEGRATION_FAILURE", "integration", f"the function failed: {text}")
    try:
        return interpret(call, result.payload)
    except ValueError as wrong:
        reason = f"malformed Lambda proxy response: {wrong}"
        raise of_limit(limits, "INTEGRATION_FAILURE", "integration", reason) from wrong


async def invoked(call: Call, request: Invocation) -> InvocationResult:
    """The function's result. Raises ``GatewayError`` when Lambda does not run it."""
    url = f"https://lambda.{call.region}.amazonaws.com/2015-03-31/functions/{request.function}/invocations"
    call.sending(url, _log_headers(call), request.payload)
    try:
        result = await call.sandbox.invoke(request)
    except AwsError as refusal:
        raise refused(call, refusal) from refusal
    answer = {"x-amzn-RequestId": result.request_id, "X-Amz-Executed-Version": result.executed_version}
    if result.function_error is not None:
        answer["X-Amz-Function-Error"] = result.function_error
    call.received(result.status, answer.items(), result.payload)
    return result


def _log_headers(call: Call) -> Pairs:
    """Of the request to Lambda, as far as it has any here."""
    return [
        ("x-amzn-lambda-integration-tag", call.request_id),
        ("x-amzn-apigateway-api-id", call.api_id),
        ("X-Amz-Source-Arn", call.arn()),
        ("Accept", "application/json"),
        ("User-Agent", f"AmazonAPIGateway_{call.api_id}"),
        ("X-Amzn-Trace-Id", call.trace_id),
    ]


def refused(call: Call, refusal: AwsError) -> GatewayError:
    """Lambda did not run the function: the client is told 500, also for a throttle (AWS's own forum, 2016; repost
    QUfI6bsdd0SOiPeyimzxSkfQ), but 413 for an event over 6 MB."""
    limits = call.sandbox.limits
    if refusal.status == 413:
        return of_limit(limits, "REQUEST_TOO_LARGE", "lambda_too_large", str(refusal))
    return internal(limits, "INTEGRATION_FAILURE", 500, str(refusal))


def interpret(call: Call, payload: bytes) -> Answer:
    """The HTTP answer that a function's return value means. ``ValueError`` that says what is wrong with it."""
    head, delimiter, _ = payload.partition(DELIMITER)
    if delimiter:  # the streaming format in BUFFERED mode: status and headers, but no body (facts 1.29)
        prelude = parse(head)
        return Answer(prelude.status, list(prelude.headers), b"")
    value = json.loads(payload)
    if not isinstance(value, dict):
        raise ValueError(f"it is a JSON {type(value).__name__}, not an object")
    if unknown := sorted(set(value) - _MEMBERS):
        raise ValueError(f"it has members of no meaning: {', '.join(unknown)}")
    body = value.get("body")
    if body is not None and not isinstance(body, str):
        raise ValueError(f"its body is a JSON {type(body).__name__}, not a string")
    status = status_of(200 if value.get("statusCode") is None else value["statusCode"])
    pairs = _headers(value)
    if not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("Content-Type", "application/json"))
    base64 = value.get("isBase64Encoded") is True
    data = media.decode(body or "", base64, call.header("accept"), call.api.binary_media_types)
    return Answer(status, pairs, data)


def _headers(value: dict[str, Any]) -> Pairs:
    single, many = value.get("headers") or {}, value.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(many, dict):
        raise ValueError("its headers are no objects")
    listed = {name.lower() for name in many}
    pairs = [(name_of(name), _text(name, v)) for name, v in single.items() if name.lower() not in listed]
    for name, values in many.items():
        pairs += [(name_of(name), _text(name, v)) for v in (values if isinstance(values, list) else [values])]
    return pairs


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise ValueError(f"its header {name} is a JSON {type(value).__name__}, not a string")
    return value
