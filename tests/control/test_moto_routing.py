"""Which operation a request means: for every operation of the services with REST protocols as moto tells it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from moto.core.routing import ServiceOperationRouter, SmithyRule
from werkzeug.exceptions import NotFound
from werkzeug.routing import Rule

from sandbox.control import wire
from sandbox.control.message import Request
from sandbox.control.moto_routing import router

SERVICES = ["apigateway", "apigatewayv2", "appsync", "eks", "iot", "iot-data", "lambda", "s3"]


def requests(operation: Any) -> list[Any]:
    """What calls an operation as its model has it, and with a longer path and nothing that tells it from others."""
    trait = operation.http_trait
    path = re.sub(r"{[^}]+}", lambda match: f"one-{match.start()}", trait.path)
    asked = {name: "x" if value is None else value for name, value in trait.query_args.items()}
    named: list[tuple[str, str]] = []
    if operation.input_shape is not None:
        asked |= {name: "x" for name in operation.input_shape.required_query_args if name not in asked}
        named = [(name, "x") for name in operation.input_shape.required_headers]
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    made = (
        Request(trait.method, "localhost", path, query, tuple(named)),
        Request(trait.method, "localhost", path + "/more%2Fof%20it/"),
    )
    return [wire.werkzeug_request(request) for request in made]


def told(by: Any, request: Any) -> tuple[str, dict[str, Any]] | None:
    try:
        operation, arguments = by.match(request)
    except NotFound:
        return None
    return operation.name, arguments


@pytest.mark.parametrize("service", SERVICES)
def test_each_operation_is_told_as_by_a_router_of_moto_that_also_writes_addresses(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = wire.service_model(service)
    wire.warm([service])
    ours = router(service)
    monkeypatch.setattr(SmithyRule, "_compile_builder", Rule._compile_builder)
    whole = ServiceOperationRouter(model)
    itself = 0
    for name in model.operation_names:
        plain, longer = requests(model.operation_model(name))
        answer = told(ours, plain)
        assert answer is not None, f"{name}: {plain}"
        assert answer == told(whole, plain)
        assert told(ours, longer) == told(whole, longer)
        itself += answer[0] == name
    assert itself >= 0.9 * len(
        model.operation_names
    )  # the others are told by what is in the body, or by none


def test_a_router_writes_no_addresses() -> None:
    wire.warm(["lambda"])
    rule = next(router("lambda")._get_router("rest-json")._map.iter_rules())
    with pytest.raises(NotImplementedError, match="writes no addresses"):
        rule.build({})
