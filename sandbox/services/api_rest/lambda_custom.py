"""``AWS`` with a Lambda function: the template's text is the event, the function's value goes through templates.

Source: API Gateway developer guide, "Set up Lambda custom integrations" and "Set up asynchronous invocation of the
backend Lambda function" (``X-Amz-Invocation-Type: Event``).
"""

from __future__ import annotations

import json
from typing import Literal

from sandbox.context import Invocation
from sandbox.services.api_rest import lambda_proxy
from sandbox.services.api_rest.call import Answer, Call
from sandbox.services.api_rest.integration_request import build
from sandbox.services.api_rest.integration_response import translate


async def integrate(call: Call) -> Answer:
    """Invoke the function and translate what it gives. Raises ``GatewayError``."""
    function = lambda_proxy.function_of(call, "invocations")
    await lambda_proxy.check_permission(call, function)
    outgoing = build(call)
    wanted = (outgoing.header("x-amz-invocation-type") or "").strip("'")
    kind: Literal["Event", "RequestResponse"] = "Event" if wanted == "Event" else "RequestResponse"
    invocation = Invocation(
        function, outgoing.body or b"{}", kind, trace_id=call.trace_id, cause=call.request_id
    )
    result = await lambda_proxy.invoked(call, invocation)
    answer = Answer(result.status, [("Content-Type", "application/json")], result.payload)
    return translate(call, answer, _error_message(result.payload) or str(result.status))


def _error_message(payload: bytes) -> str:
    """``errorMessage`` of a failed function, which the patterns are matched with."""
    try:
        value = json.loads(payload)
    except ValueError:
        return ""
    return str(value.get("errorMessage") or "") if isinstance(value, dict) else ""
