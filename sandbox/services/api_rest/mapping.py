"""Parameter mapping of an integration request, and stage variables in a URI.

Source: API Gateway developer guide, "Parameter mapping". ``method.request.{path,querystring,header}.name``,
``stageVariables.name``, ``context.name`` and static ``'text'``; ``multivalue*`` and bodies are not emulated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sandbox.aws.errors import NotEmulatedError
from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.gateway_response import static


def with_stage_variables(text: str, variables: Mapping[str, str]) -> str:
    """``${stageVariables.name}`` replaced; a variable that is not set is empty."""
    return re.sub(r"\$\{stageVariables\.(\w+)\}", lambda match: variables.get(match[1], ""), text)


def source(call: Call, expression: str) -> str | None:
    """The value of the right side of a mapping, or ``None`` when the request has none."""
    if expression.startswith("'"):
        return static(expression)
    kind, _, name = expression.rpartition(".")
    if kind == "method.request.path":
        return call.path_parameters.get(name)
    if kind == "method.request.querystring":
        values = [value for key, value in call.query() if key == name]
        return values[-1] if values else None
    if kind == "method.request.header":
        return call.header(name.lower())
    if expression.startswith("stageVariables."):
        return call.api.stage_variables.get(expression.removeprefix("stageVariables."))
    if expression.startswith("context."):
        return _context(call, expression.removeprefix("context."))
    raise NotEmulatedError(f"the API Gateway request parameter {expression!r}")


def _context(call: Call, name: str) -> str | None:
    value: object = call.context()
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return None if value is None else str(value)


def mapped(call: Call, location: str) -> dict[str, str]:
    """The mappings ``integration.request.<location>.<name>`` that have a value."""
    prefix = f"integration.request.{location}."
    result = {}
    for target, expression in call.integration.request_parameters.items():
        if target.startswith(prefix):
            value = source(call, expression)
            if value is not None:
                result[target.removeprefix(prefix)] = value
    return result
