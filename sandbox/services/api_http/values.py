"""Expressions of parameter mappings and identity sources: ``$request.header.x``, ``$context.requestId``, ...

Source: API Gateway developer guide, "Transform API requests and responses for HTTP APIs" (parameter mapping) and
"HTTP API access logs" (context variables). Expressions may stand in a text as ``${request.header.x}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.services.api_http.call import Call
from sandbox.services.bodies import joined

_INNER = re.compile(r"\$\{([^}]+)\}")
_ROOTS = ("request.", "response.", "context.", "stageVariables.")


class Response(dict[str, Any]):
    """What an integration answered, for ``$response.*``: ``headers`` and ``body``."""


def evaluate(call: Call, expression: str, response: Response | None = None) -> str | None:
    """The text that an expression stands for; ``None`` when the request has no such thing."""
    if expression.startswith("$") and not expression.startswith("${"):
        return _value(call, expression[1:], response)
    return _INNER.sub(lambda match: _value(call, match[1], response) or "", expression)


def _value(call: Call, path: str, response: Response | None) -> str | None:
    if path == "request.path":
        return call.path
    if path == "request.body":
        return call.body.decode("utf-8", "replace")
    if path == "request.method":
        return call.method
    if not path.startswith(_ROOTS):
        raise NotEmulatedError(f"the API Gateway parameter ${path}")
    root, _, name = path.partition(".")
    if root == "stageVariables":
        return call.api.stage_variables.get(name)
    if root == "context":
        return _text(_context(call, name))
    return _part(call, root, name, response)


def _part(call: Call, root: str, name: str, response: Response | None) -> str | None:
    place, _, key = name.partition(".")
    if place == "header":
        headers = response["headers"] if root == "response" and response else None
        return call.header(key.lower()) if headers is None else headers.get(key.lower())
    if place == "body":
        content = response["body"] if root == "response" and response else call.body
        return _json_path(content, key)
    if place == "querystring":
        return joined(call.query()).get(key)
    if place == "path":
        return call.path_parameters.get(key)
    raise NotEmulatedError(f"the API Gateway parameter ${root}.{name}")


def _json_path(content: bytes, path: str) -> str | None:
    try:
        value: Any = json.loads(content)
    except ValueError:
        return None
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(value, Mapping):
            value = value.get(part.strip("'\""))
        elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdecimal():
            value = value[int(part)] if int(part) < len(value) else None
        else:
            return None
    return _text(value)


def _context(call: Call, name: str) -> Any:
    simple = {
        "accountId": call.sandbox.settings.account,
        "apiId": call.api_id,
        "domainName": call.domain,
        "domainPrefix": call.api_id,
        "extendedRequestId": call.request_id,
        "httpMethod": call.method,
        "path": call.shown_path,
        "protocol": "HTTP/1.1",
        "requestId": call.request_id,
        "requestTime": call.time,
        "requestTimeEpoch": call.at_ms,
        "routeKey": call.route.key,
        "stage": call.stage,
        "identity.sourceIp": call.source_ip,
        "identity.userAgent": call.header("user-agent"),
        "identity.userArn": call.principal.arn if call.principal else None,
        "identity.caller": call.principal.user_id if call.principal else None,
    }
    if name in simple:
        return simple[name]
    kind, _, rest = name.partition(".")
    if kind == "authorizer":
        if rest.startswith("claims."):
            return (call.jwt or {}).get(rest.removeprefix("claims."))
        return call.principal_id if rest == "principalId" else (call.lambda_context or {}).get(rest)
    return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))
