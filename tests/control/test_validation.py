"""Bounds of botocore's models in AWS's words."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.errors import AwsError
from sandbox.control import wire
from sandbox.control.validation import validate


def message(operation: str, params: dict[str, Any], **options: Any) -> str:
    model = wire.service_model("lambda").operation_model(operation)
    with pytest.raises(AwsError) as raised:
        validate(model, params, **options)
    assert (raised.value.status, raised.value.code) == (400, "ValidationException")
    return raised.value.message


def test_within_bounds() -> None:
    validate(wire.service_model("lambda").operation_model("GetFunction"), {"FunctionName": "chat"})


def test_a_missing_member() -> None:
    assert message("GetFunction", {}) == (
        "1 validation error detected: Value null at 'functionName' failed to satisfy constraint: "
        "Member must not be null"
    )


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({"FunctionName": 5}, "'functionName': 5 can not be converted to a string"),
        ({"FunctionName": "f", "Cors": "x"}, "'cors': \"x\" can not be converted to a structure"),
        ({"FunctionName": "f", "Cors": {"AllowMethods": {"a": 1}}}, "'cors.allowMethods': "),
        ({"FunctionName": "f", "Cors": {"AllowMethods": [{"a": 1}]}}, "'cors.allowMethods': "),
    ],
)
def test_json_of_another_type(params: dict[str, Any], where: str) -> None:
    model = wire.service_model("lambda").operation_model("CreateFunctionUrlConfig")
    with pytest.raises(AwsError) as raised:
        validate(model, {"AuthType": "NONE", **params})
    assert (raised.value.status, raised.value.code) == (400, "SerializationException")
    assert where in raised.value.message


def test_nested_members_and_lists() -> None:
    cors = {"MaxAge": 86_401, "AllowMethods": ["GET", "NOTALLOWED"]}
    found = message("CreateFunctionUrlConfig", {"FunctionName": "chat", "AuthType": "NONE", "Cors": cors})
    assert found.startswith("2 validation errors detected: ")
    assert "'86401' at 'cors.maxAge' failed to satisfy constraint: Member must have value less than" in found
    assert "Value '[GET, NOTALLOWED]' at 'cors.allowMethods' failed to satisfy constraint: " in found
    assert (
        "Member must satisfy constraint: [Member must have length less than or equal to 6, "
        "Member must have length greater than or equal to 0, "
        "Member must satisfy regular expression pattern: .*]"
    ) in found


def test_bounds_laid_over_the_model() -> None:
    given = {"FunctionName": "chat", "Timeout": 901}
    validate(wire.service_model("lambda").operation_model("UpdateFunctionConfiguration"), given)
    assert "less than or equal to 900" in message(
        "UpdateFunctionConfiguration", given, bounds={"Timeout": {"max": 900}}
    )


def test_patterns_must_match_whole_values() -> None:
    found = message(
        "AddPermission",
        {"FunctionName": "chat", "StatementId": "a b", "Action": "lambda:InvokeFunction", "Principal": "*"},
    )
    assert (
        "at 'statementId' failed to satisfy constraint: Member must satisfy regular expression pattern"
        in found
    )
