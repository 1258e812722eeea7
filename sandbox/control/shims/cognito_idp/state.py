"""What all of Cognito's operations share: moto's pools, read and changed in its worker."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.context import Sandbox
from sandbox.control.moto_backend import MotoBackend
from sandbox.control.shims.cognito_idp import keys

ISSUER = re.compile(r"https://cognito-idp\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<pool>[\w-]+)")


@dataclass(slots=True)
class State:
    """The sandbox, moto, and what Cognito keeps besides moto."""

    sandbox: Sandbox
    moto: MotoBackend

    def reset(self) -> None:
        """Forget everything that is not moto's."""

    async def issuer_keys(self, issuer: str) -> Sequence[Mapping[str, Any]] | None:
        """The public keys of a pool that exists, by its issuer's address."""
        named = ISSUER.fullmatch(issuer)
        if named is None or not is_used():
            return None
        if not await self.moto.run(lambda: _exists(named["region"], named["pool"])):
            return None
        return await keys.public_keys(named["pool"])


def is_used() -> bool:
    """Whether anybody can have made a user pool."""
    return "moto.cognitoidp.models" in sys.modules


def _exists(region: str, pool_id: str) -> bool:
    from moto.cognitoidp.models import cognitoidp_backends

    return any(
        region in regions and pool_id in regions[region].user_pools
        for regions in list(cognitoidp_backends.values())
    )
