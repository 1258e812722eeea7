"""Does a message fit the model of its route (fact 3.11)? Models are JSON Schema, draft 4."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.services.api_websocket import selection
from sandbox.services.api_websocket.call import Call
from sandbox.services.api_websocket.errors import IntegrationError


def problem(call: Call) -> str | None:
    """What is wrong with the message by its route's model; ``None`` when nothing is or the route has none."""
    route = call.route
    if route is None or not route.models or not route.model_selection:
        return None
    body = selection.parsed(call.body or "")
    values = {"request": {"body": body}}
    key = selection.evaluate(route.model_selection, values)
    name = route.models.get(key) or route.models.get(selection.DEFAULT)
    if name is None:
        return None
    if body is None:
        return "it is no JSON"
    return _check(_schema(call, name), body)


def _schema(call: Call, name: str) -> Any:
    model = call.api.models.get(name)
    try:
        return json.loads(str(model["Schema"])) if model else None
    except (KeyError, ValueError) as wrong:
        raise IntegrationError(f"the model {name} has no schema that is JSON: {wrong}") from wrong


def _check(schema: Any, body: Any) -> str | None:
    if schema is None:
        return None
    import jsonschema

    try:
        jsonschema.Draft4Validator.check_schema(schema)
        found = next(jsonschema.Draft4Validator(schema).iter_errors(body), None)
    except (jsonschema.SchemaError, re.error, RecursionError) as wrong:
        raise IntegrationError(f"the model's schema cannot be used: {wrong}") from wrong
    return None if found is None else str(found.message)
