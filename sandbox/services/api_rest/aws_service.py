"""``AWS``: a Lambda function by templates, or another AWS service with the integration's role."""

from __future__ import annotations

import re

from sandbox.auth import Principal, authorize
from sandbox.services import aws_request
from sandbox.services.api_rest import lambda_custom
from sandbox.services.api_rest.call import Answer, Call
from sandbox.services.api_rest.gateway_response import GatewayError, internal
from sandbox.services.api_rest.integration_request import build
from sandbox.services.api_rest.integration_response import translate
from sandbox.services.api_rest.mapping import with_stage_variables

CALLER = re.compile(r"arn:[^:]+:iam::\*:user/\*")


async def integrate(call: Call) -> Answer:
    """Ask the service and translate its answer. Raises ``GatewayError``, ``NotEmulatedError``."""
    uri = with_stage_variables(call.integration.uri, call.api.stage_variables)
    found = aws_request.URI.fullmatch(uri)
    if found is None:
        raise _misconfigured(call, f"{uri!r} names no AWS service")
    if found["service"] == "lambda":
        return await lambda_custom.integrate(call)
    outgoing = build(call)
    given = aws_request.Given(
        body=outgoing.body,
        content_type=outgoing.content_type,
        method=call.integration.http_method,
        headers={name: value for name, (_, value) in outgoing.headers.items()},
        path=outgoing.path,
        query=outgoing.query,
    )
    ask = aws_request.ask_of(found, given, call.sandbox.settings.account, "REST")
    principal, access_key = await _principal(call)
    if authorize(principal, f"{ask.service}:{ask.action}", ask.resource):
        answer = Answer(*await aws_request.send(call.sandbox, ask, access_key, call.sending))
        call.received(answer.status, answer.headers, answer.body)
    else:
        answer = Answer(*aws_request.denied(ask, principal, call.request_id))
    return translate(call, answer, str(answer.status))


async def _principal(call: Call) -> tuple[Principal, str]:
    """Who asks: a session of the integration's role, or the caller of the method."""
    role = with_stage_variables(call.integration.credentials or "", call.api.stage_variables)
    if CALLER.fullmatch(role) and call.principal is not None:
        return call.principal, call.principal.access_key
    if not role or CALLER.fullmatch(role):
        raise _misconfigured(call, f"an integration with an AWS service needs a role, not {role!r}")
    session = await aws_request.session_of(call.sandbox, role)
    if session is None:
        raise _misconfigured(call, f"the role {role} gives no credentials")
    return session


def _misconfigured(call: Call, reason: str) -> GatewayError:
    return internal(call.sandbox.limits, "API_CONFIGURATION_ERROR", 500, reason)
