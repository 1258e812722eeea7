"""Who sends a request, as resolvers see it (``$context.identity``) and as fields judge it.

Source of the identity's members: AppSync developer guide, "Resolver mapping template context reference".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.auth import Principal, authorize

if TYPE_CHECKING:
    from sandbox.control.appsync import AuthType, GraphqlApi
    from sandbox.services.appsync.schema import Executable


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller that was let in by one of the API's modes. ``identity``: for resolvers; ``None`` for an API key."""

    mode: AuthType
    identity: Mapping[str, Any] | None = None
    groups: frozenset[str] = frozenset()
    default_allows: bool = True  # of a user pool: its defaultAction
    principal: Principal | None = None  # of a signature
    denied: frozenset[str] = frozenset()  # deniedFields of a Lambda authorizer, as "Type.field"
    context: Mapping[str, Any] = field(default_factory=dict)  # condition keys for policies

    @property
    def kind(self) -> tuple[Any, ...]:
        """Equal for callers that may have the same fields: what one is sent can be sent to the other."""
        return (self.mode, self.groups, self.default_allows, self.denied)

    def may(self, api: GraphqlApi, schema: Executable, type_name: str, field_name: str) -> bool:
        """Whether the caller may have a field, by the API's directives and modes."""
        if f"{type_name}.{field_name}" in self.denied:
            return False
        rule = schema.rule(type_name, field_name)
        if rule.modes is not None:
            if self.mode not in rule.modes:
                return False
            groups = rule.modes[self.mode]
            if groups is not None and not groups & self.groups:
                return False
        elif self.mode != api.auth[0].type:
            return False
        elif rule.groups is not None:
            if not rule.groups & self.groups:
                return False
        elif not self.default_allows:
            return False
        return True

    def permitted(self, api: GraphqlApi, type_name: str, field_name: str) -> bool:
        """Whether a signature's policies allow a field of Query, Mutation or Subscription.

        Those are the ARNs of the guide's own examples; what policies mean for other types is UNSOURCED.
        """
        if self.principal is None:
            return True
        resource = f"{api.arn}/types/{type_name}/fields/{field_name}"
        return authorize(self.principal, "appsync:GraphQL", resource, context=self.context)
