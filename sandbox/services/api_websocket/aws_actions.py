"""``AWS`` integrations: a Lambda function by templates, or an action of another service with the integration's role.

Source: API Gateway developer guide, "Setting up a WebSocket API integration request": request parameters map
``context.*``, ``stageVariables.*``, ``route.request.body[.path]`` and static texts to headers, query and path. That
the message itself goes to the service where no template is chosen is UNSOURCED.
"""

from __future__ import annotations

from sandbox.auth import authorize
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.services import aws_request
from sandbox.services.api_websocket import functions, parameters, templates
from sandbox.services.api_websocket.call import Call, Outcome
from sandbox.services.api_websocket.errors import IntegrationError


async def integrate(call: Call) -> Outcome:
    """Carry out the action. Raises :class:`IntegrationError`, ``NotEmulatedError``."""
    integration = call.integration
    assert integration is not None
    uri = functions.with_stage_variables(call, integration.uri)
    if functions.URI.fullmatch(uri):
        return await functions.custom(call)
    found = aws_request.URI.fullmatch(uri)
    if found is None:
        raise IntegrationError(f"the URI {uri!r} names no action of an AWS service")
    body = call.body or ""
    template = templates.chosen(integration.request_templates, integration.template_selection, call, body)
    given = aws_request.Given(
        body=(body if template is None else templates.render(template, call, body)).encode(),
        content_type="application/json",
        method=integration.method or "POST",
        headers={name.lower(): value for name, value in parameters.mapped(call, "header").items()},
        path=parameters.mapped(call, "path"),
        query=parameters.mapped(call, "querystring"),
    )
    ask = aws_request.ask_of(found, given, call.sandbox.settings.account, "WebSocket")
    role = functions.with_stage_variables(call, integration.credentials or "")
    if not role:
        raise IntegrationError(f"an integration with {ask.service} needs a role")
    try:
        session = await aws_request.session_of(call.sandbox, role)
        if session is None:
            raise IntegrationError(f"the role {role} gives no credentials")
        principal, access_key = session
        if authorize(principal, f"{ask.service}:{ask.action}", ask.resource):
            status, _, answer = await aws_request.send(call.sandbox, ask, access_key)
        else:
            status, _, answer = aws_request.denied(ask, principal, call.request_id)
    except NotEmulatedError:
        raise
    except AwsError as refusal:
        raise IntegrationError(f"{ask.service} refused: {refusal}") from refusal
    return Outcome(status, answer.decode("utf-8", "replace"))
