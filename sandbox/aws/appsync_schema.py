"""A GraphQL schema as AppSync reads it: GraphQL's SDL with AppSync's own scalars and directives.

Scalars and directives are those of the AppSync developer guide (AWS scalar types; authorization; subscriptions).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLError, GraphQLSchema

SCALARS = (
    *("AWSDate", "AWSTime", "AWSDateTime", "AWSTimestamp", "AWSEmail", "AWSJSON", "AWSURL", "AWSPhone"),
    "AWSIPAddress",
)

PRELUDE = (
    "\n".join(f"scalar {name}" for name in SCALARS)
    + """
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
directive @aws_publish(subscriptions: [String]) on FIELD_DEFINITION
directive @aws_auth(cognito_groups: [String!]) on FIELD_DEFINITION
directive @aws_cognito_user_pools(cognito_groups: [String!]) on OBJECT | FIELD_DEFINITION
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_oidc on OBJECT | FIELD_DEFINITION
directive @aws_lambda on OBJECT | FIELD_DEFINITION
directive @canonical on OBJECT | FIELD_DEFINITION
directive @hidden on OBJECT | FIELD_DEFINITION
directive @renamed(to: String!) on OBJECT | FIELD_DEFINITION
"""
)

# The words of AppSync when a document is no SDL (quoted in AppSync's own issue tracker).
UNPARSABLE = "Failed to parse schema document - ensure it's a valid SDL-formatted document."


class SchemaError(ValueError):
    """A schema that AppSync refuses. ``str()`` is what AppSync says; ``where`` says what is wrong, with its line."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


@lru_cache(maxsize=64)
def build(sdl: str) -> GraphQLSchema:
    """The schema of a document, its operation types as GraphQL has them. Raises :class:`SchemaError`.

    Built once a document; callers share it and leave it as it is.
    """
    from graphql import GraphQLError, build_ast_schema, concat_ast, validate_schema

    document = parse_sdl(sdl)
    try:
        schema = build_ast_schema(concat_ast([_prelude(document), document]))
    except GraphQLError as error:
        raise SchemaError(error.message, _where(error)) from error
    except TypeError as error:  # several errors of validation in one
        raise SchemaError(str(error), str(error)) from error
    errors = validate_schema(schema)
    if errors:
        raise SchemaError(errors[0].message, "; ".join(_where(error) for error in errors))
    return schema


def parse_sdl(sdl: str) -> DocumentNode:
    """The document as it stands. Raises :class:`SchemaError` when it is no GraphQL."""
    from graphql import GraphQLError, parse

    try:
        return parse(sdl)
    except GraphQLError as error:
        raise SchemaError(UNPARSABLE, _where(error)) from error


def _prelude(document: DocumentNode) -> DocumentNode:
    """AppSync's scalars and directives, but for those that the document declares itself."""
    from graphql import DirectiveDefinitionNode, DocumentNode, ScalarTypeDefinitionNode, parse

    kinds = (DirectiveDefinitionNode, ScalarTypeDefinitionNode)
    own = {(type(node), node.name.value) for node in document.definitions if isinstance(node, kinds)}
    kept = [
        node
        for node in parse(PRELUDE).definitions
        if isinstance(node, kinds) and (type(node), node.name.value) not in own
    ]
    return DocumentNode(definitions=tuple(kept))


def _where(error: GraphQLError) -> str:
    places = [f"line {place.line}, column {place.column}" for place in error.locations or []]
    return f"{error.message} ({', '.join(places)})" if places else error.message
