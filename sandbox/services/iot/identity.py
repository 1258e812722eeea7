"""Who a connection belongs to, and what its policies let it do (fact 6.2).

IAM and IoT policies use one language; IoT's have variables of the connection (``iot:ClientId``,
``iot:Connection.Thing.*``) and are not attached to IAM principals but to certificates and Cognito identities, or come
from a custom authorizer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.auth import Principal, authorize

WEBSOCKET_EXPIRED = "WEBSOCKET_TTL_EXPIRATION"
AUTHORIZER_EXPIRED = "CUSTOMAUTH_TTL_EXPIRATION"


@dataclass(slots=True)
class Identity:
    """``principals``: each of them has to allow, as for an authenticated Cognito identity, which has two.

    ``id``: how rules and lifecycle events name it. ``lives``: seconds until AWS ends the connection.
    """

    id: str
    principals: Sequence[Principal]
    context: Mapping[str, Any] = field(default_factory=dict)
    lives: float = math.inf
    ends_with: str = WEBSOCKET_EXPIRED
    things: frozenset[str] = frozenset()  # attached to the principal

    def allows(
        self, action: str, resource: str, client_id: str, more: Mapping[str, Any] | None = None
    ) -> bool:
        """Whether the policies allow an action of the connection on an ARN; ``more``: the action's condition keys."""
        context = self._context(client_id) | dict(more or {})
        return all(authorize(one, action, resource, context=context) for one in self.principals)

    def _context(self, client_id: str) -> dict[str, Any]:
        context = {**self.context, "iot:ClientId": client_id}
        attached = client_id in self.things
        context["iot:Connection.Thing.IsAttached"] = attached
        if attached:
            context["iot:Connection.Thing.ThingName"] = client_id
        return context


def iot_principal(
    account: str, policies: Sequence[Mapping[str, Any]], context: Mapping[str, Any] | None = None
) -> Principal:
    """The side of a principal that has IoT policies."""
    return Principal(arn="iot", account=account, policies=tuple(policies), context=context or {})
