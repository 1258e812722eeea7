"""Users who sign up themselves, and codes that prove who they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.cognito_idp import errors, issuing, messages, migration, passwords, triggers, views
from sandbox.control.shims.cognito_idp.messages import MEDIA
from sandbox.control.shims.cognito_idp.state import Code, State
from sandbox.control.shims.cognito_idp.steps import check_secret_hash
from sandbox.control.shims.cognito_idp.views import Client, User, backend_of

# Validity of codes (Cognito developer guide, limits: codes and sessions).
SIGN_UP_CODE_S = 24 * 3600
RESET_CODE_S = 3600
UNREACHABLE = "Cannot reset password for the user as there is no registered/verified email or phone_number"


class SignUp:
    """The operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "SignUp": self.sign_up,
            "ConfirmSignUp": self.confirm,
            "AdminConfirmSignUp": self.admin_confirm,
            "ResendConfirmationCode": self.resend,
            "AdminResetUserPassword": self.admin_reset,
            "ForgotPassword": self.forgot,
            "ConfirmForgotPassword": self.confirm_forgot,
            "GetUserAttributeVerificationCode": self.send_attribute_code,
            "VerifyUserAttribute": self.verify_attribute,
        }

    async def sign_up(self, call: Call) -> Mapping[str, Any]:
        """``SignUp``."""
        params = call.params
        client = await self._client(params)
        if (client.pool_config.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"):
            raise errors.not_authorized("SignUp is not permitted for this user pool")
        name, password = params["Username"], params.get("Password", "")
        if await self._state.user(client.pool_id, name):
            raise errors.refuse("UsernameExistsException", "User already exists")
        passwords.check(client.pool_config, password)
        attributes = list(params.get("UserAttributes") or ())
        given = {one["Name"] for one in attributes} | _from_name(client, name)
        lacking = [one for one in client.required if one not in given]
        if lacking:
            raise errors.invalid(
                f"Attributes did not conform to the schema: {lacking[0]}: The attribute is required\n"
            )
        verdict = await self._before(client, params, attributes)
        made = await self._state.in_moto(
            lambda: backend_of(client.pool_id).sign_up(client.id, name, password, attributes)[0].username
        )
        user = await self._user(client, made)
        if verdict.get("autoConfirmUser"):
            await self._confirm(client, user, _verified_by(verdict), "PostConfirmation_ConfirmSignUp")
            return {"UserConfirmed": True, "UserSub": user.sub}
        delivery = await self._send(client, user, "sign up", SIGN_UP_CODE_S, "SignUp", params)
        return {
            "UserConfirmed": False,
            "UserSub": user.sub,
            **({"CodeDeliveryDetails": delivery} if delivery else {}),
        }

    async def _before(
        self, client: Client, params: Mapping[str, Any], attributes: list[dict[str, str]]
    ) -> Mapping[str, Any]:
        function = client.triggers.get("PreSignUp")
        if not function:
            return {}
        request = {
            "userAttributes": {one["Name"]: one.get("Value", "") for one in attributes},
            "validationData": {one["Name"]: one.get("Value") for one in params.get("ValidationData") or ()}
            or None,
        }
        return await triggers.ask(
            self._state, client, params["Username"], "PreSignUp_SignUp", function, "1", request
        )

    async def confirm(self, call: Call) -> Mapping[str, Any]:
        """``ConfirmSignUp``."""
        client = await self._client(call.params)
        user = await self._user(client, call.params["Username"])
        if user.status != "UNCONFIRMED":
            raise errors.not_authorized(f"User cannot be confirmed. Current status is {user.status}")
        self._take(client, user, "sign up", call.params["ConfirmationCode"])
        attribute = _delivered_to(client, user)
        await self._confirm(client, user, [attribute] if attribute else [], "PostConfirmation_ConfirmSignUp")
        return {}

    async def admin_confirm(self, call: Call) -> Mapping[str, Any]:
        """``AdminConfirmSignUp``; the function of PostConfirmation sees no client."""
        pool_id, name = call.params["UserPoolId"], call.params["Username"]
        user = await self._state.user(pool_id, name)
        if user is None:
            raise errors.no_user()
        if user.status != "UNCONFIRMED":
            raise errors.not_authorized(f"User cannot be confirmed. Current status is {user.status}")
        await self._state.change(pool_id, name, lambda found: _confirm(found, []))
        return {}

    async def resend(self, call: Call) -> Mapping[str, Any]:
        """``ResendConfirmationCode``."""
        client = await self._client(call.params)
        user = await self._user(client, call.params["Username"])
        if user.status != "UNCONFIRMED":
            raise errors.invalid("User is already confirmed.")
        details = await self._send(client, user, "sign up", SIGN_UP_CODE_S, "ResendCode", call.params)
        return {"CodeDeliveryDetails": details}

    async def forgot(self, call: Call) -> Mapping[str, Any]:
        """``ForgotPassword``."""
        client = await self._client(call.params)
        if await self._state.user(client.pool_id, call.params["Username"]) is None:
            await migration.migrate(self._state, client, call.params["Username"], "ForgotPassword")
        user = await self._user(client, call.params["Username"])
        if not user.enabled:
            raise errors.not_authorized("User is disabled.")
        if not any(user.attributes.get(f"{name}_verified") == "true" for name in MEDIA):
            raise errors.invalid(UNREACHABLE)
        details = await self._send(client, user, "reset", RESET_CODE_S, "ForgotPassword", call.params)
        return {"CodeDeliveryDetails": details}

    async def admin_reset(self, call: Call) -> Mapping[str, Any]:
        """``AdminResetUserPassword``: the password is no longer taken; a code is sent."""
        pool_id, name = call.params["UserPoolId"], call.params["Username"]
        user = await self._state.user(pool_id, name)
        if user is None:
            raise errors.no_user()
        attribute = _reachable(user)
        if attribute is None:
            raise errors.invalid(UNREACHABLE)
        await self._state.change(pool_id, user.username, _must_reset)
        client = await self._state.in_moto(lambda: views.no_client(pool_id))
        await self._send_to(client, user, attribute, "reset", RESET_CODE_S, "ForgotPassword", call.params)
        return {}

    async def confirm_forgot(self, call: Call) -> Mapping[str, Any]:
        """``ConfirmForgotPassword``."""
        client = await self._client(call.params)
        user = await self._user(client, call.params["Username"])
        passwords.check(client.pool_config, call.params["Password"])
        self._take(client, user, "reset", call.params["ConfirmationCode"])
        await self._state.change(
            client.pool_id, user.username, lambda found: _reset(found, call.params["Password"])
        )
        user = await self._user(client, user.username)
        source = "PostConfirmation_ConfirmForgotPassword"
        await triggers.plain(self._state, client, user, "PostConfirmation", source)
        return {}

    async def send_attribute_code(self, call: Call) -> Mapping[str, Any]:
        """``GetUserAttributeVerificationCode``."""
        held = await issuing.holder(self._state, call.params["AccessToken"])
        attribute = call.params["AttributeName"]
        if attribute not in MEDIA or attribute not in held.user.attributes:
            raise errors.invalid(f"The user has no {attribute} to verify.")  # the text is UNSOURCED
        details = await self._send_to(
            held.client, held.user, attribute, attribute, SIGN_UP_CODE_S, "VerifyUserAttribute", call.params
        )
        return {"CodeDeliveryDetails": details}

    async def verify_attribute(self, call: Call) -> Mapping[str, Any]:
        """``VerifyUserAttribute``."""
        held = await issuing.holder(self._state, call.params["AccessToken"])
        attribute = call.params["AttributeName"]
        self._take(held.client, held.user, attribute, call.params["Code"])
        change = [{"Name": f"{attribute}_verified", "Value": "true"}]
        await self._state.change(
            held.client.pool_id, held.user.username, lambda user: user.update_attributes(change)
        )
        return {}

    async def _client(self, params: Mapping[str, Any]) -> Client:
        client = await self._state.client(params["ClientId"])
        check_secret_hash(client, params.get("Username", ""), params)
        return client

    async def _user(self, client: Client, name: str) -> User:
        user = await self._state.user(client.pool_id, name)
        if user is None:
            raise errors.refuse(
                "UserNotFoundException",
                "Username/client id combination not found." if client.hides_users else "User does not exist.",
            )
        return user

    async def _confirm(self, client: Client, user: User, verified: list[str], source: str) -> None:
        await self._state.change(client.pool_id, user.username, lambda found: _confirm(found, verified))
        user = await self._user(client, user.username)
        await triggers.plain(self._state, client, user, "PostConfirmation", source)

    async def _send(
        self, client: Client, user: User, what: str, seconds: int, source: str, params: Mapping[str, Any]
    ) -> dict[str, str] | None:
        attribute = _delivered_to(client, user) if what == "sign up" else _reachable(user)
        if attribute is None:
            return None
        return await self._send_to(client, user, attribute, what, seconds, source, params)

    async def _send_to(
        self,
        client: Client,
        user: User,
        attribute: str,
        what: str,
        seconds: int,
        source: str,
        params: Mapping[str, Any],
    ) -> dict[str, str]:
        code = messages.new_code(self._state)
        self._state.codes[client.pool_id, user.sub, what] = Code(code, self._state.now() + seconds)
        metadata = params.get("ClientMetadata")
        return await messages.send_code(self._state, client, user, attribute, code, source, metadata)

    def _take(self, client: Client, user: User, what: str, given: str) -> None:
        """Use a code up. Raises ``CodeMismatchException``, ``ExpiredCodeException``."""
        key = (client.pool_id, user.sub, what)
        kept = self._state.codes.get(key)
        if kept is None or self._state.now() >= kept.expires:
            raise errors.refuse("ExpiredCodeException", "Invalid code provided, please request a code again.")
        if given != kept.code:
            raise errors.refuse(
                "CodeMismatchException", "Invalid verification code provided, please try again."
            )
        del self._state.codes[key]


def _delivered_to(client: Client, user: User) -> str | None:
    """Where a sign-up code goes: a telephone number counts before an e-mail address."""
    automatic = client.pool_config.get("AutoVerifiedAttributes") or ()
    return next(
        (name for name in ("phone_number", "email") if name in automatic and name in user.attributes), None
    )


def _reachable(user: User) -> str | None:
    names = ("phone_number", "email")
    return next((name for name in names if user.attributes.get(f"{name}_verified") == "true"), None)


def _from_name(client: Client, name: str) -> set[str]:
    """The attribute that a user name is, in a pool whose user names are e-mail addresses or numbers."""
    kinds = client.pool_config.get("UsernameAttributes") or ()
    return {kind for kind in kinds if (kind == "email") == ("@" in name)}


def _verified_by(verdict: Mapping[str, Any]) -> list[str]:
    names = {"autoVerifyEmail": "email", "autoVerifyPhone": "phone_number"}
    return [attribute for flag, attribute in names.items() if verdict.get(flag)]


def _confirm(user: Any, verified: list[str]) -> None:
    from moto.cognitoidp.models import UserStatus

    user.status = UserStatus.CONFIRMED
    if verified:
        user.update_attributes([{"Name": f"{name}_verified", "Value": "true"} for name in verified])


def _must_reset(user: Any) -> None:
    from moto.cognitoidp.models import UserStatus

    user.status = UserStatus.RESET_REQUIRED


def _reset(user: Any, password: str) -> None:
    from moto.cognitoidp.models import UserStatus

    user.password = password
    user.status = UserStatus.CONFIRMED
