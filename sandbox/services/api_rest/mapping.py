"""Parameter mapping of an integration request, and stage variables in a URI.

Source: API Gateway developer guide, "Parameter mapping". Of a request
``method.request.{path,querystring,header}.name``,
``method.request.multivalue{querystring,header}.name``, ``method.request.body[.JSONPath]``; of a response
``integration.response.{header,multivalueheader}.name`` and ``integration.response.body[.JSONPath]``; of both
``stageVariables.name``, ``context.name`` and static ``'text'``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from sandbox.aws.errors import NotEmulatedError
from sandbox.aws.vtl.gateway import json_path
from sandbox.aws.vtl.values import to_json
from sandbox.services.api_rest.call import Answer, Call
from sandbox.services.api_rest.gateway_response import static


def with_stage_variables(text: str, variables: Mapping[str, str]) -> str:
    """``${stageVariables.name}`` replaced; a variable that is not set is empty."""
    return re.sub(r"\$\{stageVariables\.(\w+)\}", lambda match: variables.get(match[1], ""), text)


def source(call: Call, expression: str, answer: Answer | None = None) -> list[str]:
    """The values of the right side of a mapping: mostly one, none when there is nothing."""
    if expression.startswith("'"):
        return [static(expression)]
    place, _, name = expression.partition(".")
    if place == "stageVariables":
        return _one(call.api.stage_variables.get(name))
    if place == "context":
        return _one(_context(call, name))
    if expression.startswith("method.request."):
        found = _of_request(call, expression.removeprefix("method.request."))
    elif expression.startswith("integration.response.") and answer is not None:
        found = _of_answer(answer, expression.removeprefix("integration.response."))
    else:
        found = None
    if found is None:
        raise NotEmulatedError(f"the API Gateway parameter mapping {expression!r}")
    return found


def _one(value: object) -> list[str]:
    return [] if value is None else [str(value)]


def _of_request(call: Call, expression: str) -> list[str] | None:
    kind, _, name = expression.partition(".")
    if kind == "path":
        return _one(call.path_parameters.get(name))
    if kind in ("querystring", "multivaluequerystring"):
        values = [value for key, value in call.query() if key == name]
        return values if kind.startswith("multi") else values[-1:]
    if kind in ("header", "multivalueheader"):
        values = [value for key, value in call.sent_headers() if key.lower() == name.lower()]
        return values if kind.startswith("multi") else values[-1:]
    return _of_body(call.body, name) if kind == "body" else None


def _of_answer(answer: Answer, expression: str) -> list[str] | None:
    kind, _, name = expression.partition(".")
    if kind in ("header", "multivalueheader"):
        values = [value for key, value in answer.headers if key.lower() == name.lower()]
        return values if kind.startswith("multi") else values[-1:]
    return _of_body(answer.body, name) if kind == "body" else None


def _of_body(body: bytes, path: str) -> list[str]:
    """The whole body, or what a JSONPath finds in it."""
    if not path:
        return [body.decode("utf-8", "replace")] if body else []
    try:
        found = json_path(json.loads(body), path)
    except ValueError:
        return []
    if found in ("", None):
        return []
    return [found if isinstance(found, str) else to_json(found)]


def _context(call: Call, name: str) -> object:
    value: object = call.variables()
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def mapped(call: Call, location: str) -> dict[str, str]:
    """The mappings ``integration.request.<location>.<name>`` that have a value; several are joined by a comma."""
    prefix = f"integration.request.{location}."
    result = {}
    for target, expression in call.integration.request_parameters.items():
        if target.startswith(prefix):
            values = source(call, expression)
            if values:
                result[target.removeprefix(prefix)] = ",".join(values)
    return result


def gateway_value(call: Call, expression: str) -> list[str]:
    """The values of a gateway response's parameter. A request that has not been read so far has none."""
    return source(call, expression) if hasattr(call, "api") else []
