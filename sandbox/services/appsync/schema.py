"""An API's schema, ready to run: AppSync's scalars, who may have which field, which mutations trigger which field.

Source: AppSync developer guide, "Configuring authorization and authentication": directives of a field count before
those of its type, and those before the API's default mode; ``@aws_auth`` names groups for the default mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sandbox.aws import appsync_schema
from sandbox.services.appsync import scalars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
    from graphql.language import ConstDirectiveNode

    from sandbox.control.appsync import AuthType

_MODES: Mapping[str, AuthType] = {
    "aws_api_key": "API_KEY",
    "aws_iam": "AWS_IAM",
    "aws_cognito_user_pools": "AMAZON_COGNITO_USER_POOLS",
    "aws_oidc": "OPENID_CONNECT",
    "aws_lambda": "AWS_LAMBDA",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field asks of a caller. ``modes``: mode -> the groups of which one is needed, ``None``: any caller.

    ``groups``: those of ``@aws_auth``, for callers of the default mode. Without ``modes`` the default mode counts.
    """

    modes: Mapping[AuthType, frozenset[str] | None] | None = None
    groups: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Executable:
    """A schema for execution. ``triggers``: mutation -> the subscription fields that it triggers."""

    schema: GraphQLSchema
    triggers: Mapping[str, tuple[str, ...]]
    rules: Mapping[tuple[str, str], Rule]

    def rule(self, type_name: str, field_name: str) -> Rule:
        """What a field asks of a caller."""
        return self.rules.get((type_name, field_name), _NO_RULE)


_NO_RULE = Rule()


@lru_cache(maxsize=64)
def executable(sdl: str) -> Executable:
    """The schema of a document. Raises ``SchemaError``."""
    from graphql import GraphQLScalarType, is_object_type

    schema = deepcopy(appsync_schema.build(sdl))
    rules: dict[tuple[str, str], Rule] = {}
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLScalarType):
            scalars.equip(kind)
        elif is_object_type(kind) and not kind.name.startswith("__"):
            rules |= _rules(kind)
    return Executable(schema, _triggers(schema.subscription_type), rules)


def _rules(kind: GraphQLObjectType) -> dict[tuple[str, str], Rule]:
    of_type = _rule(_directives(kind))
    found = {}
    for name, field in kind.fields.items():
        rule = _rule(_directives(field)) or of_type
        if rule is not None:
            found[kind.name, name] = rule
    return found


def _directives(owner: GraphQLObjectType | GraphQLField) -> list[ConstDirectiveNode]:
    nodes: list[Any] = [owner.ast_node, *getattr(owner, "extension_ast_nodes", ())]
    return [directive for node in nodes if node is not None for directive in node.directives or ()]


def _rule(directives: Sequence[ConstDirectiveNode]) -> Rule | None:
    modes: dict[AuthType, frozenset[str] | None] = {}
    groups = None
    for directive in directives:
        name = directive.name.value
        if name in _MODES:
            modes[_MODES[name]] = _names(directive, "cognito_groups")
        elif name == "aws_auth":
            groups = _names(directive, "cognito_groups")
    return Rule(modes or None, groups) if modes or groups else None


def _triggers(subscription: GraphQLObjectType | None) -> dict[str, tuple[str, ...]]:
    """Only what ``@aws_subscribe`` names triggers a subscription (fact 5.12)."""
    found: dict[str, tuple[str, ...]] = {}
    for name, field in (subscription.fields if subscription else {}).items():
        for directive in _directives(field):
            if directive.name.value == "aws_subscribe":
                for mutation in sorted(_names(directive, "mutations") or ()):
                    found[mutation] = (*found.get(mutation, ()), name)
    return found


def _names(directive: ConstDirectiveNode, argument: str) -> frozenset[str] | None:
    from graphql import value_from_ast_untyped

    for node in directive.arguments or ():
        if node.name.value == argument:
            value = value_from_ast_untyped(node.value)
            return frozenset(map(str, value if isinstance(value, list) else [value]))
    return None
