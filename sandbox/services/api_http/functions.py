"""Functions behind an integration or an authorizer: their ARN, API Gateway's permission, the invocation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sandbox.auth import Principal, as_statements, authorize
from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, InvocationResult
from sandbox.services.api_http.call import Call
from sandbox.services.api_http.errors import internal, unavailable

GATEWAY = Principal.aws_service("apigateway.amazonaws.com")
_URI = re.compile(r"arn:[^:]+:apigateway:[^:]+:lambda:path/[^/]+/functions/(?P<function>[^/]+)/invocations")
_FUNCTION = re.compile(r"arn:[^:]+:lambda:[^:]+:[^:]*:function:[^:/]+(?::[^:/]+)?")


def with_stage_variables(text: str, variables: Mapping[str, str]) -> str:
    """``${stageVariables.name}`` replaced; a variable that is not set is empty."""
    return re.sub(r"\$\{stageVariables\.(\w+)\}", lambda match: variables.get(match[1], ""), text)


def arn_of(call: Call, uri: str) -> str:
    """The function's ARN in a URI: the ARN itself or API Gateway's form. Raises ``HttpApiError``."""
    text = with_stage_variables(uri, call.api.stage_variables)
    found = _URI.fullmatch(text)
    function = found["function"] if found else text
    if not _FUNCTION.fullmatch(function):
        raise internal(call.sandbox.limits, f"{text!r} names no Lambda function")
    return function


async def invoke(
    call: Call, function: str, event: Mapping[str, Any], *, source: str, credentials: str | None
) -> InvocationResult:
    """Invoke a function for a source ARN. Raises ``HttpApiError`` when API Gateway may not, or Lambda does not."""
    if not credentials:
        await _check_permission(call, function, source)
    payload = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    request = Invocation(function, payload, trace_id=call.trace_id, cause=call.exchange.id)
    try:
        return await call.sandbox.invoke(request)
    except AwsError as refusal:
        if refusal.status == 429:  # UNSOURCED: which of 500 and 503 a throttled function gives
            raise unavailable(call.sandbox.limits, str(refusal)) from refusal
        raise internal(call.sandbox.limits, str(refusal)) from refusal


async def _check_permission(call: Call, function: str, source: str) -> None:
    """The function's policy has to let API Gateway in, unless a role of its own is named."""
    parts = function.split(":")
    name, qualifier = parts[6], parts[7] if len(parts) > 7 else None
    policy = await call.sandbox.control.resources.function_policy(name, qualifier)
    context = {"aws:SourceArn": source, "aws:SourceAccount": call.sandbox.settings.account}
    statements = as_statements(policy)
    if not authorize(GATEWAY, "lambda:InvokeFunction", function, resource_policy=statements, context=context):
        raise internal(
            call.sandbox.limits, f"{function} does not permit apigateway.amazonaws.com for {source}"
        )
