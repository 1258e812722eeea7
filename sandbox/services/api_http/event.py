"""The events of a Lambda integration: payload formats 2.0 and 1.0 (facts 2.6).

Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs", whose members these are;
that ``rawPath`` is decoded and carries a named stage: github.com/aws/aws-lambda-dotnet, pull request 1901, and
github.com/aws-powertools/powertools-lambda-python, issue 621. What has nothing to say is absent in 2.0 and ``null``
in 1.0.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from sandbox.services.api_http.call import Call
from sandbox.services.bodies import as_text, joined

_NOT_PASSED = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade")
)
# Names that format 1.0 writes in AWS's case, whatever the client wrote (UNSOURCED).
_CANONICAL = {
    name.lower(): name
    for name in (
        *("Content-Length", "Host", "User-Agent", "X-Amzn-Trace-Id"),
        *("X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"),
    )
}
_OWN = frozenset(("host", "x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"))


def of(call: Call, version: str) -> dict[str, Any]:
    """The event in a format."""
    return two(call) if version == "2.0" else one(call)


def headers(call: Call) -> list[tuple[str, str]]:
    """The request's headers with what AWS's own front adds; names as they were sent."""
    pairs = [
        (name, value)
        for name, value in call.signed.headers
        if name.lower() not in _NOT_PASSED | _OWN and not name.startswith(":")
    ]
    if call.header("content-length") is None:
        pairs.append(("content-length", str(len(call.body))))
    forwarded = call.header("x-forwarded-for")
    return [
        *pairs,
        ("host", call.domain),
        ("x-amzn-trace-id", call.trace_id),
        ("x-forwarded-for", f"{forwarded}, {call.source_ip}" if forwarded else call.source_ip),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
    ]


def body(call: Call) -> tuple[str | None, bool]:
    """The body and whether it is base64."""
    if not call.body:
        return None, False
    text = as_text(call.body, call.header("content-type") or "")
    return (b64encode(call.body).decode(), True) if text is None else (text, False)


def request_two(call: Call) -> dict[str, Any]:
    """The members of format 2.0 that integrations and authorizers both get."""
    named = joined((name.lower(), value) for name, value in headers(call))
    cookies = [part.strip() for part in named.pop("cookie", "").replace(",", ";").split(";") if part.strip()]
    event: dict[str, Any] = {
        "routeKey": call.route.key,
        "rawPath": call.shown_path,
        "rawQueryString": call.signed.query,
    }
    if cookies:
        event["cookies"] = cookies
    event["headers"] = named
    if call.query():
        event["queryStringParameters"] = joined(call.query())
    event["requestContext"] = context_two(call)
    if call.path_parameters:
        event["pathParameters"] = call.path_parameters
    if call.api.stage_variables:
        event["stageVariables"] = dict(call.api.stage_variables)
    return event


def two(call: Call) -> dict[str, Any]:
    """Format 2.0."""
    event = {"version": "2.0", **request_two(call)}
    authorizer = _authorizer_two(call)
    if authorizer:
        event["requestContext"]["authorizer"] = authorizer
    text, base64 = body(call)
    if text is not None:
        event["body"] = text
    event["isBase64Encoded"] = base64
    return event


def context_two(call: Call) -> dict[str, Any]:
    """``requestContext`` of format 2.0, without the authorizer."""
    return {
        "accountId": call.sandbox.settings.account,
        "apiId": call.api_id,
        "domainName": call.domain,
        "domainPrefix": call.api_id,
        "http": {
            "method": call.method,
            "path": call.shown_path,
            "protocol": "HTTP/1.1",
            "sourceIp": call.source_ip,
            "userAgent": call.header("user-agent") or "",
        },
        "requestId": call.request_id,
        "routeKey": call.route.key,
        "stage": call.stage,
        "time": call.time,
        "timeEpoch": call.at_ms,
    }


def _authorizer_two(call: Call) -> dict[str, Any]:
    if call.jwt is not None:
        return {"jwt": {"claims": claims(call), "scopes": call.jwt_scopes}}
    if call.lambda_context is not None:
        return {"lambda": call.lambda_context}
    if call.principal is not None:
        caller = call.principal
        return {
            "iam": {
                "accessKey": caller.access_key,
                "accountId": caller.account,
                "callerId": caller.user_id,
                "cognitoIdentity": None,
                "principalOrgId": None,
                "userArn": caller.arn,
                "userId": caller.user_id,
            }
        }
    return {}


def claims(call: Call) -> dict[str, str]:
    """A token's claims, all as text; a list as ``[a b]`` (reported by users of HTTP APIs)."""
    return {name: _claim(value) for name, value in (call.jwt or {}).items()}


def _claim(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(map(_claim, value))}]"
    return str(value)


def request_one(call: Call) -> dict[str, Any]:
    """The members of format 1.0 that integrations and authorizers both get."""
    many: dict[str, list[str]] = {}
    for name, value in headers(call):
        many.setdefault(_CANONICAL.get(name.lower(), name), []).append(value)
    query: dict[str, list[str]] = {}
    for name, value in call.query():
        query.setdefault(name, []).append(value)
    return {
        "resource": _resource(call),
        "path": call.shown_path,
        "httpMethod": call.method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": context_one(call),
        "pathParameters": call.path_parameters or None,
        "stageVariables": dict(call.api.stage_variables) or None,
    }


def one(call: Call) -> dict[str, Any]:
    """Format 1.0."""
    text, base64 = body(call)
    return {"version": "1.0", **request_one(call), "body": text, "isBase64Encoded": base64}


def context_one(call: Call) -> dict[str, Any]:
    """``requestContext`` of format 1.0."""
    caller = call.principal
    context: dict[str, Any] = {
        "accountId": call.sandbox.settings.account,
        "apiId": call.api_id,
        "domainName": call.domain,
        "domainPrefix": call.api_id,
        "extendedRequestId": call.request_id,
        "httpMethod": call.method,
        "identity": {
            "accessKey": caller.access_key if caller else None,
            "accountId": caller.account if caller else None,
            "caller": caller.user_id if caller else None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": call.source_ip,
            "user": caller.user_id if caller else None,
            "userAgent": call.header("user-agent") or "",
            "userArn": caller.arn if caller else None,
        },
        "path": call.shown_path,
        "protocol": "HTTP/1.1",
        "requestId": call.request_id,
        "requestTime": call.time,
        "requestTimeEpoch": call.at_ms,
        "resourceId": None,
        "resourcePath": _resource(call),
        "stage": call.stage,
    }
    if call.jwt is not None:
        context["authorizer"] = {"claims": claims(call), "scopes": call.jwt_scopes}
    elif call.lambda_context is not None:
        principal = {"principalId": call.principal_id} if call.principal_id else {}
        context["authorizer"] = {**principal, **call.lambda_context}
    return context


def _resource(call: Call) -> str:
    return call.route.key.partition(" ")[2] or call.route.key
