"""Request and response templates: the template language of API Gateway, with the names that WebSocket APIs have.

Source: API Gateway developer guide, "WebSocket API mapping template reference": ``$context``, ``$input``,
``$stageVariables``, ``$util``.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.aws.vtl.gateway import Context, Input, Util
from sandbox.aws.vtl.velocity import TemplateFault
from sandbox.aws.vtl.velocity import render as velocity
from sandbox.services.api_websocket import selection
from sandbox.services.api_websocket.call import Call
from sandbox.services.api_websocket.errors import IntegrationError


def render(template: str, call: Call, body: str) -> str:
    """The template's text for a body. Raises :class:`IntegrationError` for one that cannot be carried out."""
    if "$" not in template and "#" not in template:
        return template
    nothing: dict[str, dict[str, str]] = {"path": {}, "querystring": {}, "header": {}}
    names = {
        "context": Context(call.context()),
        "input": Input(body, nothing),
        "stageVariables": Context(dict(call.api.stage_variables)),
        "util": Util(),
    }
    try:
        return velocity(template, names)
    except TemplateFault as fault:
        raise IntegrationError(f"the mapping template cannot be carried out: {fault}") from fault


def chosen(templates: Mapping[str, str], expression: str | None, call: Call, body: str) -> str | None:
    """The template that an integration's template selection expression picks; ``$default`` and ``application/json``
    stand in; ``None`` when there is none."""
    key = selection.DEFAULT
    if expression:
        values = {"request": {"body": selection.parsed(body)}, "integration": {"response": {"body": body}}}
        key = selection.evaluate(expression, values)
    for name in (key, selection.DEFAULT, "application/json"):
        if name in templates:
            return templates[name]
    return None
