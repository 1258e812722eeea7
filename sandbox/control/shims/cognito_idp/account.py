"""What a user does with an access token, and the end of logins."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.cognito_idp import errors, issuing, passwords
from sandbox.control.shims.cognito_idp.state import State
from sandbox.control.shims.cognito_idp.views import backend_of


class Account:
    """The operations that take an access token; ``RevokeToken``; ``AdminUserGlobalSignOut``."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "GetUser": self.get,
            "UpdateUserAttributes": self.update,
            "DeleteUserAttributes": self.delete_attributes,
            "DeleteUser": self.delete,
            "ChangePassword": self.change_password,
            "GlobalSignOut": self.sign_out,
            "AdminUserGlobalSignOut": self.admin_sign_out,
            "RevokeToken": self.revoke,
        }

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetUser``."""
        user = (await self._holder(call)).user
        attributes = [
            {"Name": "sub", "Value": user.sub},
            *({"Name": n, "Value": v} for n, v in user.attributes.items() if n != "sub"),
        ]
        shown: dict[str, Any] = {"Username": user.username, "UserAttributes": attributes}
        if user.mfa_settings:
            shown |= {"UserMFASettingList": user.mfa_settings}
        if user.preferred_mfa:
            shown |= {"PreferredMfaSetting": user.preferred_mfa}
        return shown

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateUserAttributes``; a changed e-mail address or telephone number is no longer verified."""
        held = await self._holder(call)
        given = {one["Name"]: one.get("Value", "") for one in call.params["UserAttributes"]}
        writable = held.client.config.get("WriteAttributes") or None
        if "sub" in given:
            raise errors.invalid("Cannot modify the non-mutable attribute sub")
        if any(writable is not None and name not in writable for name in given):
            raise errors.not_authorized("A client attempted to write unauthorized attribute")
        for name in ("email", "phone_number"):
            if name in given and given[name] != held.user.attributes.get(name):
                given[f"{name}_verified"] = "false"
        changes = [{"Name": name, "Value": value} for name, value in given.items()]
        await self._change(held, lambda user: user.update_attributes(changes))
        return {"CodeDeliveryDetailsList": []}

    async def delete_attributes(self, call: Call) -> None:
        """``DeleteUserAttributes``."""
        held = await self._holder(call)
        await self._change(held, lambda user: user.delete_attributes(call.params["UserAttributeNames"]))

    async def delete(self, call: Call) -> None:
        """``DeleteUser``."""
        held = await self._holder(call)
        client = held.client
        await issuing.sign_out(self._state, client.pool_id, held.user)
        await self._state.in_moto(
            lambda: backend_of(client.pool_id).admin_delete_user(client.pool_id, held.user.username)
        )

    async def change_password(self, call: Call) -> None:
        """``ChangePassword``."""
        held = await self._holder(call)
        old = str(call.params.get("PreviousPassword", "")).encode()
        if not hmac.compare_digest((held.user.password or "").encode(), old):
            raise errors.not_authorized()
        new = call.params["ProposedPassword"]
        passwords.check(held.client.pool_config, new)
        await self._change(held, lambda user: setattr(user, "password", new))

    async def sign_out(self, call: Call) -> None:
        """``GlobalSignOut``."""
        held = await self._holder(call)
        await issuing.sign_out(self._state, held.client.pool_id, held.user)

    async def admin_sign_out(self, call: Call) -> None:
        """``AdminUserGlobalSignOut``."""
        pool_id = call.params["UserPoolId"]
        user = await self._state.user(pool_id, call.params["Username"])
        if user is None:
            raise errors.no_user()
        await issuing.sign_out(self._state, pool_id, user)

    async def revoke(self, call: Call) -> None:
        """``RevokeToken``: a refresh token and the access tokens made with it. An unknown token is no error."""
        client = await self._state.client(call.params["ClientId"])
        if client.secret is not None and call.params.get("ClientSecret") != client.secret:
            raise errors.not_authorized("Invalid client secret.")  # the text is UNSOURCED
        issuing.revoke(self._state, client, call.params["Token"])

    async def _holder(self, call: Call) -> issuing.Holder:
        return await issuing.holder(self._state, call.params["AccessToken"])

    async def _change(self, held: issuing.Holder, work: Any) -> None:
        await self._state.change(held.client.pool_id, held.user.username, work)
