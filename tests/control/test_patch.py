"""Patch operations led by a shape."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.errors import AwsError
from sandbox.control import wire
from sandbox.control.shims.apigateway import patch


def patched(shape: str, document: dict[str, Any], *operations: tuple[str, ...]) -> dict[str, Any]:
    keys = ("op", "path", "value")
    given = [dict(zip(keys, operation, strict=False)) for operation in operations]
    patch.apply(document, wire.service_model("apigateway").shape_for(shape), given)
    return document


@pytest.mark.parametrize(
    ("shape", "before", "operation", "after"),
    [
        ("Integration", {}, ("replace", "/timeoutInMillis", "50"), {"timeoutInMillis": 50}),
        ("Integration", {"uri": "a"}, ("remove", "/uri"), {}),
        ("Method", {}, ("replace", "/apiKeyRequired", "false"), {"apiKeyRequired": False}),
        (
            "Stage",
            {"variables": {"a": "1"}},
            ("add", "/variables/b", "2"),
            {"variables": {"a": "1", "b": "2"}},
        ),
        ("Stage", {"variables": {"a": "1"}}, ("remove", "/variables/a"), {"variables": {}}),
        (
            "Integration",
            {},
            ("add", "/requestTemplates/application~1json", "t"),
            {"requestTemplates": {"application/json": "t"}},
        ),
        (
            "Integration",
            {},
            ("replace", "/tlsConfig/insecureSkipVerification", "true"),
            {"tlsConfig": {"insecureSkipVerification": True}},
        ),
        (
            "RestApi",
            {"binaryMediaTypes": ["a/b"]},
            ("replace", "/binaryMediaTypes/a~1b", "c/d"),
            {"binaryMediaTypes": ["c/d"]},
        ),
        (
            "Method",
            {"authorizationScopes": ["a"]},
            ("add", "/authorizationScopes", "b"),
            {"authorizationScopes": ["a", "b"]},
        ),
        (
            "Method",
            {"authorizationScopes": ["a", "b"]},
            ("remove", "/authorizationScopes", "a"),
            {"authorizationScopes": ["b"]},
        ),
        (
            "MethodResponse",
            {},
            ("add", "/responseParameters/method.response.header.X", "true"),
            {"responseParameters": {"method.response.header.X": True}},
        ),
    ],
)
def test_patches(
    shape: str, before: dict[str, Any], operation: tuple[str, ...], after: dict[str, Any]
) -> None:
    assert patched(shape, before, operation) == after


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (
            ("replace", "/nothing", "x"),
            "Invalid patch path  '/nothing' specified for op 'replace'. Must be one of",
        ),
        (("replace", "/timeoutInMillis", "soon"), "Invalid patch value 'soon' specified for timeoutInMillis"),
        (("move", "/uri", "x"), "Invalid patch operation specified"),
        (
            ("replace", "/tlsConfig/none", "x"),
            "Invalid patch path  '/tlsConfig/none' specified for op 'replace'",
        ),
    ],
)
def test_patches_that_are_refused(operation: tuple[str, ...], message: str) -> None:
    with pytest.raises(AwsError) as raised:
        patched("Integration", {}, operation)
    assert raised.value.code == "BadRequestException"
    assert raised.value.message.startswith(message)
