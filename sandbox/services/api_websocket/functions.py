"""Calling a Lambda function: as proxy integration, as custom integration, as authorizer."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

from sandbox.auth import Principal, as_statements, authorize
from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, InvocationType
from sandbox.services.api_websocket import events, templates
from sandbox.services.api_websocket.call import Call, Outcome
from sandbox.services.api_websocket.errors import IntegrationError

URI = re.compile(
    r"arn:[^:]+:apigateway:[^:]+:lambda:path/[^/]+/functions/(?P<function>[^/]+)/(?P<operation>[\w-]+)"
)
_GATEWAY = Principal.aws_service("apigateway.amazonaws.com")
_ASYNCHRONOUS = "integration.request.header.X-Amz-Invocation-Type"


class FunctionFailedError(IntegrationError):
    """The function raised, or ended without an answer. ``message``: its ``errorMessage``."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(f"the function failed: {payload[:200].decode('utf-8', 'replace')}", status=502)
        try:
            self.message = str(json.loads(payload).get("errorMessage", ""))
        except (ValueError, AttributeError):
            self.message = ""


def with_stage_variables(call: Call, text: str) -> str:
    """``${stageVariables.name}`` replaced; a variable that is not set is empty."""
    variables = call.api.stage_variables
    return re.sub(r"\$\{stageVariables\.(\w+)\}", lambda match: variables.get(match[1], ""), text)


async def invoke(
    call: Call,
    uri: str,
    credentials: str | None,
    event: Any,
    type: InvocationType = "RequestResponse",
    source: str | None = None,
) -> bytes:
    """What the function of a URI answers. ``source``: who calls, when not the route (an authorizer).

    Raises :class:`IntegrationError`.
    """
    found = URI.fullmatch(with_stage_variables(call, uri))
    if found is None or found["operation"] != "invocations":
        raise IntegrationError(f"the URI {uri!r} names no Lambda function")
    if not credentials:
        await _check_permission(call, found["function"], source or call.arn())
    payload = event if isinstance(event, bytes) else json.dumps(event, separators=(",", ":")).encode()
    try:
        result = await call.sandbox.invoke(
            Invocation(found["function"], payload, type=type, cause=call.request_id)
        )
    except AwsError as refusal:
        raise IntegrationError(f"Lambda refused: {refusal}") from refusal
    if result.function_error is not None:
        raise FunctionFailedError(result.payload)
    return result.payload


async def _check_permission(call: Call, function: str, source: str) -> None:
    """The function's policy has to let API Gateway in."""
    parts = function.split(":")
    rest = parts[6:] if function.startswith("arn:") else parts
    qualifier = rest[1] if len(rest) > 1 else None
    policy = await call.sandbox.control.resources.function_policy(rest[0] if rest else "", qualifier)
    context = {"aws:SourceArn": source, "aws:SourceAccount": call.sandbox.settings.account}
    statements = as_statements(policy)
    if not authorize(
        _GATEWAY, "lambda:InvokeFunction", function, resource_policy=statements, context=context
    ):
        raise IntegrationError(f"{function} does not permit apigateway.amazonaws.com for {source}")


async def proxy(call: Call) -> Outcome:
    """``AWS_PROXY``: the event of the route, and what the function returned."""
    assert call.integration is not None
    payload = await invoke(call, call.integration.uri, call.integration.credentials, events.event(call))
    return _interpreted(payload)


def _interpreted(payload: bytes) -> Outcome:
    """A function's return value. A value without ``statusCode`` counts as 200, as in REST APIs (UNSOURCED)."""
    try:
        value = json.loads(payload)
        if not isinstance(value, dict):
            raise ValueError(f"it is a JSON {type(value).__name__}, not an object")
        status = value.get("statusCode", 200)
        if isinstance(status, str) and status.isdecimal():
            status = int(status)
        if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
            raise ValueError(f"its statusCode is {status!r}")
        body, headers = value.get("body"), value.get("headers") or {}
        if not isinstance(body, str | None) or not isinstance(headers, dict):
            raise ValueError("its body is a text and its headers are an object")
        if body is not None and value.get("isBase64Encoded") is True:
            body = b64decode(body, validate=True).decode("utf-8", "replace")
    except ValueError as wrong:
        raise IntegrationError(f"malformed Lambda proxy response: {wrong}", status=502) from wrong
    return Outcome(status, body, {str(name).lower(): str(item) for name, item in headers.items()})


async def custom(call: Call) -> Outcome:
    """``AWS`` with a function: the rendered template (or the message itself) is the event."""
    integration = call.integration
    assert integration is not None
    body = call.body or "{}"
    template = templates.chosen(integration.request_templates, integration.template_selection, call, body)
    event = body if template is None else templates.render(template, call, body)
    asynchronous = integration.request_parameters.get(_ASYNCHRONOUS) == "'Event'"
    kind: InvocationType = "Event" if asynchronous else "RequestResponse"
    payload = await invoke(call, integration.uri, integration.credentials, event.encode(), kind)
    return Outcome(200, payload.decode("utf-8", "replace") or None)
