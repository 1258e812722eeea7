"""Mapping templates of a call: which one, with which names, and what it may override.

Source: API Gateway developer guide, "Mapping template overrides": ``$context.requestOverride.{header,path,
querystring}.name`` and ``$context.responseOverride.{header.name,status}`` are set by a template.
"""

from __future__ import annotations

from typing import Any

from sandbox.aws.vtl.gateway import Context, Input, Util
from sandbox.aws.vtl.values import unwrap
from sandbox.aws.vtl.velocity import TemplateFault, render
from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.gateway_response import GatewayError, error_context, internal


def rendered(call: Call, template: str, body: bytes | str) -> str:
    """A template's text for a payload. Its overrides are in the call then. Raises ``GatewayError``."""
    if "$" not in template and "#" not in template:
        return template
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    overrides = {name: _plain(given) for name, given in call.overrides.items()}
    context = Context({**call.variables(), **overrides})
    made = _rendered(call, template, text, context)
    call.overrides = {name: unwrap(context.raw[name]) for name in overrides}
    return made


def gateway_body(call: Call, template: str, failure: GatewayError) -> str:
    """A gateway response's text. Only names are replaced there; the payload is the request's."""
    context = Context({**call.variables(), "error": error_context(failure)})
    return _rendered(call, template, call.body.decode("utf-8", "replace"), context)


def _rendered(call: Call, template: str, text: str, context: Context) -> str:
    variables: dict[str, Any] = dict(call.api.stage_variables)
    names = {
        "context": context,
        "input": Input(text, parameters(call)),
        "stageVariables": Context(variables),  # one that is not set is an empty text (recorded)
        "util": Util(),
    }
    try:
        return render(template, names)
    except TemplateFault as fault:
        reason = f"the mapping template cannot be carried out: {fault}"
        raise internal(call.sandbox.limits, "API_CONFIGURATION_ERROR", 500, reason) from fault


def _plain(given: Any) -> Any:
    return {key: dict(v) if isinstance(v, dict) else v for key, v in given.items()}


def parameters(call: Call) -> dict[str, dict[str, str]]:
    """The request's parameters as ``$input.params()`` has them: the last of several values."""
    return {
        "path": dict(call.path_parameters),
        "querystring": dict(call.query()),
        "header": {name: value for name, value in call.sent_headers() if not name.startswith(":")},
    }
