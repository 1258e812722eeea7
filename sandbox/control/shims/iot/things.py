"""What is attached to Cognito identities, which moto does not know; certificates are moto's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.iot.state import State

Answer = Mapping[str, Any] | Response | None


class Things:
    """Attaching things to principals."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "AttachThingPrincipal": self.attach,
            "DetachThingPrincipal": self.detach,
            "ListPrincipalThings": self.list_things,
            "ListThingPrincipals": self.list_principals,
        }

    async def attach(self, call: Call) -> Answer:
        """``AttachThingPrincipal``."""
        principal, thing = call.params["principal"], call.params["thingName"]
        if not _is_identity(principal):
            return await call.moto()
        await self._state.sandbox.control.call("iot", "DescribeThing", thingName=thing)
        self._state.things.setdefault(principal, {})[thing] = None
        return {}

    async def detach(self, call: Call) -> Answer:
        """``DetachThingPrincipal``."""
        if not _is_identity(call.params["principal"]):
            return await call.moto()
        self._state.things.get(call.params["principal"], {}).pop(call.params["thingName"], None)
        return {}

    async def list_things(self, call: Call) -> Answer:
        """``ListPrincipalThings``."""
        if not _is_identity(call.params["principal"]):
            return await call.moto()
        return {"things": list(self._state.things.get(call.params["principal"], {}))}

    async def list_principals(self, call: Call) -> Answer:
        """``ListThingPrincipals``: identities; those of a thing that has none are moto's."""
        name = call.params["thingName"]
        found = [principal for principal, things in self._state.things.items() if name in things]
        return {"principals": found} if found else await call.moto()


def _is_identity(principal: str) -> bool:
    """A Cognito identity's id, ``<region>:<uuid>``, and no ARN."""
    return not principal.startswith("arn:")
