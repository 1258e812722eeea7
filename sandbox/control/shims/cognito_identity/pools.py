"""Identity pools as an administrator makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.cognito_identity.state import Identity, IdentityPool, State
from sandbox.control.validation import validate


class IdentityPools:
    """The signed operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateIdentityPool": self.create,
            "DescribeIdentityPool": self.describe,
            "UpdateIdentityPool": self.update,
            "DeleteIdentityPool": self.delete,
            "ListIdentityPools": self.list_pools,
            "SetIdentityPoolRoles": self.set_roles,
            "GetIdentityPoolRoles": self.get_roles,
            "ListIdentities": self.list_identities,
            "DescribeIdentity": self.describe_identity,
            "DeleteIdentities": self.delete_identities,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.tags,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateIdentityPool``."""
        validate(call.operation.model, call.params)
        pool = IdentityPool(f"{call.target.region}:{self._state.sandbox.ids.uuid()}", _config(call.params))
        self._state.pools[pool.id] = pool
        return pool.described()

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeIdentityPool``."""
        return self._pool(call).described()

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateIdentityPool``: what is not given is gone."""
        validate(call.operation.model, call.params)
        pool = self._pool(call)
        pool.config = _config(call.params)
        return pool.described()

    async def delete(self, call: Call) -> None:
        """``DeleteIdentityPool``."""
        del self._state.pools[self._pool(call).id]

    async def list_pools(self, call: Call) -> Mapping[str, Any]:
        """``ListIdentityPools``, the whole list at once."""
        found = [pool for pool in self._state.pools.values() if pool.id.startswith(call.target.region + ":")]
        names = [
            {"IdentityPoolId": pool.id, "IdentityPoolName": pool.config["IdentityPoolName"]} for pool in found
        ]
        return {"IdentityPools": names}

    async def set_roles(self, call: Call) -> None:
        """``SetIdentityPoolRoles``."""
        validate(call.operation.model, call.params)
        pool = self._pool(call)
        pool.roles = dict(call.params["Roles"])
        pool.mappings = dict(call.params.get("RoleMappings") or {})

    async def get_roles(self, call: Call) -> Mapping[str, Any]:
        """``GetIdentityPoolRoles``."""
        pool = self._pool(call)
        mappings = {"RoleMappings": pool.mappings} if pool.mappings else {}
        return {"IdentityPoolId": pool.id, "Roles": pool.roles, **mappings}

    async def list_identities(self, call: Call) -> Mapping[str, Any]:
        """``ListIdentities``, the whole list at once."""
        pool = self._pool(call)
        return {
            "IdentityPoolId": pool.id,
            "Identities": [_described(one) for one in pool.identities.values()],
        }

    async def describe_identity(self, call: Call) -> Mapping[str, Any]:
        """``DescribeIdentity``."""
        return _described(self._state.identity(call.params["IdentityId"])[1])

    async def delete_identities(self, call: Call) -> Mapping[str, Any]:
        """``DeleteIdentities``; one that is not there is no error."""
        for identity_id in call.params["IdentityIdsToDelete"]:
            for pool in self._state.pools.values():
                pool.identities.pop(identity_id, None)
        return {"UnprocessedIdentityIds": []}

    async def tag(self, call: Call) -> None:
        """``TagResource``."""
        pool = self._by_arn(call)
        pool.config["IdentityPoolTags"] = {
            **(pool.config.get("IdentityPoolTags") or {}),
            **call.params["Tags"],
        }

    async def untag(self, call: Call) -> None:
        """``UntagResource``."""
        pool = self._by_arn(call)
        tags = pool.config.get("IdentityPoolTags") or {}
        pool.config["IdentityPoolTags"] = {k: v for k, v in tags.items() if k not in call.params["TagKeys"]}

    async def tags(self, call: Call) -> Mapping[str, Any]:
        """``ListTagsForResource``."""
        return {"Tags": self._by_arn(call).config.get("IdentityPoolTags") or {}}

    def _pool(self, call: Call) -> IdentityPool:
        return self._state.pool(call.params["IdentityPoolId"])

    def _by_arn(self, call: Call) -> IdentityPool:
        return self._state.pool(call.params["ResourceArn"].rpartition("/")[2])


def _config(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name != "IdentityPoolId"}


def _described(identity: Identity) -> dict[str, Any]:
    return {
        "IdentityId": identity.id,
        "Logins": list(identity.logins),
        "CreationDate": identity.created,
        "LastModifiedDate": identity.created,
    }
