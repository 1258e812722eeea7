"""Request validators: required parameters, and the body by a JSON schema (draft 4) model.

Source: API Gateway developer guide, "Use request validation in API Gateway"; the texts are those of its page on basic
validation: ``Missing required request parameters: [q1]`` and ``Invalid request body``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.gateway_response import error, internal
from sandbox.services.api_rest.integration_request import media_type


async def check(call: Call) -> None:
    """Raises ``BAD_REQUEST_PARAMETERS`` or ``BAD_REQUEST_BODY`` as a ``GatewayError``."""
    validator = call.api.validators.get(call.method.validator_id or "")
    if validator is None:
        return
    if validator.get("validateRequestParameters"):
        missing = _missing(call)
        if missing:
            text = f"Missing required request parameters: [{', '.join(missing)}]"
            raise error("BAD_REQUEST_PARAMETERS", text)
    if validator.get("validateRequestBody"):
        wrong = _wrong_body(call)
        if wrong is not None:
            failure = error("BAD_REQUEST_BODY", "Invalid request body", reason=wrong)
            failure.validation = f"[{wrong}]"
            raise failure


def _missing(call: Call) -> list[str]:
    """Names of required parameters that are not there or empty, sorted."""
    given = {
        "querystring": {name for name, value in call.query() if value},
        "header": {name.lower() for name, value in call.sent_headers() if value},
        "path": set(call.path_parameters),
    }
    missing = []
    for target, required in sorted(call.method.request_parameters.items()):
        _, _, place, name = target.split(".", 3)
        wanted = name.lower() if place == "header" else name
        if required and wanted not in given.get(place, ()):
            missing.append(name)
    return missing


def _wrong_body(call: Call) -> str | None:
    """What is wrong with the body; ``None`` when it is right or no model says anything about it."""
    models = call.method.request_models
    name = models.get(media_type(call)) or models.get("$default")
    model = call.api.models.get(name or "")
    if model is None or not model.get("schema"):
        return None
    import jsonschema
    import referencing

    schema = json.loads(model["schema"])
    try:
        body = json.loads(call.body or b"{}")
    except ValueError as wrong:
        return f"the body is no JSON: {wrong}"
    registry: Any = referencing.Registry(retrieve=lambda uri: _model(call, uri))  # type: ignore[call-arg]
    validator = jsonschema.Draft4Validator(_whole(call, schema), registry=registry)
    try:
        found = next(iter(validator.iter_errors(body)), None)
    except referencing.exceptions.Unresolvable as wrong:
        reason = f"the model {name} refers to nothing: {wrong}"
        raise internal(call.sandbox.limits, "API_CONFIGURATION_ERROR", 500, reason) from wrong
    return None if found is None else str(found.message)


def _whole(call: Call, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema with the API's models where references of imported documents look for them."""
    known = _definitions(call)
    return {"definitions": known, "components": {"schemas": known}, **schema}


def _definitions(call: Call) -> dict[str, Any]:
    """The API's models by name (``#/definitions/Name``)."""
    return {name: json.loads(m["schema"]) for name, m in call.api.models.items() if m.get("schema")}


def _model(call: Call, uri: str) -> Any:
    """A model by ``https://apigateway.amazonaws.com/restapis/{id}/models/{name}``."""
    import referencing
    from referencing.jsonschema import DRAFT4

    found: Mapping[str, Any] | None = call.api.models.get(uri.rpartition("/models/")[2].partition("#")[0])
    if found is None or not found.get("schema"):
        raise referencing.exceptions.NoSuchResource(uri)
    return DRAFT4.create_resource(_whole(call, json.loads(found["schema"])))
