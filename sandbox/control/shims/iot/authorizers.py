"""Custom authorizers of IoT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import IotDataPlane
from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.iot.state import Authorizer, State, check, invalid, not_found


class Authorizers:
    """The operations on authorizers."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateAuthorizer": self.create,
            "DescribeAuthorizer": self.describe,
            "UpdateAuthorizer": self.update,
            "DeleteAuthorizer": self.delete,
            "ListAuthorizers": self.list_authorizers,
            "SetDefaultAuthorizer": self.set_default,
            "ClearDefaultAuthorizer": self.clear_default,
            "DescribeDefaultAuthorizer": self.describe_default,
            "TestInvokeAuthorizer": self.test,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateAuthorizer``: INACTIVE unless it says otherwise (API reference)."""
        check(call)
        name = call.params["authorizerName"]
        if name in self._state.authorizers:
            raise AwsError(409, "ResourceAlreadyExistsException", f"Authorizer already exists (name={name})")
        given = {key: value for key, value in call.params.items() if key not in ("authorizerName", "tags")}
        config = {"status": "INACTIVE", "signingDisabled": False, "enableCachingForHttp": False, **given}
        _check(config)
        now = self._state.now()
        authorizer = self._state.authorizers[name] = Authorizer(name, config, now, now)
        tags = {one["Key"]: one.get("Value", "") for one in call.params.get("tags") or ()}
        self._state.tags[self._state.arn("authorizer", name)] = tags
        return self._summary(authorizer)

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeAuthorizer``."""
        return {"authorizerDescription": self._described(self._authorizer(call))}

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateAuthorizer``: what is not given stays."""
        check(call)
        authorizer = self._authorizer(call)
        given = {key: value for key, value in call.params.items() if key != "authorizerName"}
        config = {**authorizer.config, **given}
        _check(config)
        authorizer.config, authorizer.changed = config, self._state.now()
        return self._summary(authorizer)

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteAuthorizer``: not while it is active or the default."""
        authorizer = self._authorizer(call)
        if authorizer.config["status"] == "ACTIVE" or authorizer.name == self._state.default_authorizer:
            message = f"Cannot delete an authorizer that is active or the default (name={authorizer.name})"
            raise AwsError(409, "DeleteConflictException", message)
        del self._state.authorizers[authorizer.name]
        self._state.tags.pop(self._state.arn("authorizer", authorizer.name), None)
        return {}

    async def list_authorizers(self, call: Call) -> Mapping[str, Any]:
        """``ListAuthorizers``."""
        status = call.params.get("status")
        found = [
            self._summary(one)
            for one in self._state.authorizers.values()
            if status is None or one.config["status"] == status
        ]
        shown, marker = page(found, call.params.get("pageSize"), call.params.get("marker"), 250)
        return {"authorizers": shown, **({"nextMarker": marker} if marker else {})}

    async def set_default(self, call: Call) -> Mapping[str, Any]:
        """``SetDefaultAuthorizer``: asked when a client names none."""
        authorizer = self._authorizer(call)
        if self._state.default_authorizer not in (None, authorizer.name):
            message = f"There is a default authorizer already (name={self._state.default_authorizer})"
            raise AwsError(409, "ResourceAlreadyExistsException", message)
        self._state.default_authorizer = authorizer.name
        return self._summary(authorizer)

    async def clear_default(self, call: Call) -> Mapping[str, Any]:
        """``ClearDefaultAuthorizer``."""
        if self._state.default_authorizer is None:
            raise not_found("There is no default authorizer")
        self._state.default_authorizer = None
        return {}

    async def describe_default(self, call: Call) -> Mapping[str, Any]:
        """``DescribeDefaultAuthorizer``."""
        if self._state.default_authorizer is None:
            raise not_found("There is no default authorizer")
        authorizer = self._state.authorizer(self._state.default_authorizer)
        return {"authorizerDescription": self._described(authorizer)}

    async def test(self, call: Call) -> Mapping[str, Any] | None:
        """``TestInvokeAuthorizer``: asked where clients are asked."""
        service = self._state.sandbox.services.get("iot")
        if not isinstance(service, IotDataPlane):
            raise NotEmulatedError("TestInvokeAuthorizer without the IoT service")
        return await service.data("TestInvokeAuthorizer", call.params, None)

    def _authorizer(self, call: Call) -> Authorizer:
        return self._state.authorizer(call.params["authorizerName"])

    def _summary(self, authorizer: Authorizer) -> dict[str, Any]:
        arn = self._state.arn("authorizer", authorizer.name)
        return {"authorizerName": authorizer.name, "authorizerArn": arn}

    def _described(self, authorizer: Authorizer) -> dict[str, Any]:
        dates = {"creationDate": authorizer.made, "lastModifiedDate": authorizer.changed}
        return {**self._summary(authorizer), **authorizer.config, **dates}


def _check(config: Mapping[str, Any]) -> None:
    if not config["signingDisabled"] and not (
        config.get("tokenKeyName") and config.get("tokenSigningPublicKeys")
    ):
        raise invalid("tokenKeyName and tokenSigningPublicKeys are needed unless signing is disabled")
