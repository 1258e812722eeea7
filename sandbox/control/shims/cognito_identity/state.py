"""Identity pools and the identities in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.shims.identities import Identities

Keys = Callable[[str], Awaitable[Sequence[Mapping[str, Any]] | None]]


@dataclass(slots=True)
class Identity:
    """One identity. ``logins``: provider -> the user's ``sub`` there; empty for one without a login."""

    id: str
    created: datetime
    logins: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class IdentityPool:
    """A pool. ``config``: what CreateIdentityPool was given."""

    id: str
    config: dict[str, Any]
    roles: dict[str, str] = field(default_factory=dict)  # authenticated, unauthenticated -> role ARN
    mappings: dict[str, Any] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """As DescribeIdentityPool gives it."""
        return {"IdentityPoolId": self.id, **self.config}


@dataclass(slots=True)
class State:
    """All identity pools. Only touched on the loop. ``keys``: those of user pools, by issuer."""

    sandbox: Sandbox
    sessions: Identities
    keys: Keys
    pools: dict[str, IdentityPool] = field(default_factory=dict)

    def reset(self) -> None:
        """Forget everything."""
        self.pools.clear()

    def pool(self, pool_id: str) -> IdentityPool:
        """A pool. Raises ``ResourceNotFoundException``."""
        found = self.pools.get(pool_id)
        if found is None:
            raise AwsError(400, "ResourceNotFoundException", f"IdentityPool '{pool_id}' not found.")
        return found

    def identity(self, identity_id: str) -> tuple[IdentityPool, Identity]:
        """An identity and its pool. Raises ``ResourceNotFoundException``."""
        for pool in self.pools.values():
            if identity_id in pool.identities:
                return pool, pool.identities[identity_id]
        raise AwsError(400, "ResourceNotFoundException", f"Identity '{identity_id}' not found.")
