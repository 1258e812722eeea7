"""Schemas as AppSync reads them."""

from __future__ import annotations

import pytest

from sandbox.aws.appsync_schema import SchemaError, build


def test_scalars_and_directives_are_there() -> None:
    schema = build(
        """type Query { a(b: AWSDateTime!): AWSJSON @aws_cognito_user_pools(cognito_groups: ["g"]) }
        type Mutation { send: Query }
        type Subscription { on: Query @aws_subscribe(mutations: ["send"]) }"""
    )
    assert str(schema.query_type.fields["a"].type) == "AWSJSON"  # type: ignore[union-attr]
    assert schema.subscription_type is not None


def test_a_document_may_declare_a_scalar_itself() -> None:
    assert build("scalar AWSJSON\ntype Query { a: AWSJSON }").type_map["AWSJSON"]


def test_operation_types_may_have_other_names() -> None:
    assert str(build("schema { query: Ask }\ntype Ask { a: Int }").query_type) == "Ask"


@pytest.mark.parametrize(
    ("sdl", "message", "where"),
    [
        (
            "typ Q",
            "Failed to parse schema document - ensure it's a valid SDL-formatted document.",
            "line 1, column 1",
        ),
        ("type Query { a: Nowhere }", "Unknown type 'Nowhere'.", "Unknown type"),
        ("type A { a: Int }", "Query root type must be provided.", ""),
        ("type Query { a: Int @nothing }", "Unknown directive '@nothing'.", ""),
    ],
)
def test_what_is_wrong_is_told(sdl: str, message: str, where: str) -> None:
    with pytest.raises(SchemaError) as raised:
        build(sdl)
    assert str(raised.value) == message
    assert where in raised.value.where
