"""Parameter mapping of an integration request: ``integration.request.<place>.<name>`` and where its value is from."""

from __future__ import annotations

import json

from sandbox.aws.errors import NotEmulatedError
from sandbox.aws.vtl.gateway import json_path
from sandbox.aws.vtl.values import to_json
from sandbox.services.api_websocket import selection
from sandbox.services.api_websocket.call import Call

_BODY = "route.request.body"


def mapped(call: Call, place: str) -> dict[str, str]:
    """The mapped values of a place (``header``, ``querystring``, ``path``) by name; without a value: left out."""
    integration = call.integration
    assert integration is not None
    prefix, found = f"integration.request.{place}.", {}
    for target, expression in integration.request_parameters.items():
        if target.startswith(prefix):
            value = _value(call, expression)
            if value != "":
                found[target.removeprefix(prefix)] = value
    return found


def _value(call: Call, expression: str) -> str:
    if len(expression) > 1 and expression[0] == expression[-1] == "'":
        return expression[1:-1]
    if expression == _BODY or expression.startswith(f"{_BODY}."):
        return _of_body(call, expression.removeprefix(_BODY))
    if expression.startswith("route.request."):
        place, _, name = expression.removeprefix("route.request.").partition(".")
        pairs = call.headers if place == "header" else call.query if place == "querystring" else []
        return next((value for key, value in reversed(pairs) if key.lower() == name.lower()), "")
    if expression.startswith(("context.", "stageVariables.")):
        root = {"context": call.context(), "stageVariables": call.api.stage_variables}
        return selection.evaluate(f"${{{expression}}}", root)
    raise NotEmulatedError(f"the parameter mapping {expression!r} of a WebSocket API")


def _of_body(call: Call, path: str) -> str:
    if not path:
        return call.body or ""
    try:
        found = json_path(json.loads(call.body or "{}"), f"${path}")
    except ValueError:
        return ""
    return found if isinstance(found, str) else to_json(found)
