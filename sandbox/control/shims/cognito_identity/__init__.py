"""Cognito identity pools, all of them ours: moto has neither their roles nor credentials that open anything."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.call import Handler
from sandbox.control.shims.cognito_identity.state import State

__all__ = ["State", "handlers"]


def handlers(state: State) -> Mapping[str, Handler]:
    """The operations of identity pools."""
    # Imported when the service is first used: a sandbox that starts needs none of it.
    from sandbox.control.shims.cognito_identity.identities import PoolIdentities
    from sandbox.control.shims.cognito_identity.pools import IdentityPools

    return {**IdentityPools(state).handlers(), **PoolIdentities(state).handlers()}
