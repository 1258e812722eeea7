"""Which second factors a pool knows, and which of them a user wants.

Source: botocore (SetUserPoolMfaConfig, SetUserMFAPreference, GetUserAuthFactors). That a text message needs a
telephone number and an e-mail code an e-mail address is the guide's; the words of refusals are as users quote them
(of SMS_MFA and EMAIL_OTP in analogy to SOFTWARE_TOKEN_MFA).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.cognito_idp import choice, errors, factors, issuing, views
from sandbox.control.shims.cognito_idp.state import State
from sandbox.control.shims.cognito_idp.views import User

# Member of the request -> (factor, moto's name of the switch, the attribute that it needs).
KINDS = {
    "SMSMfaSettings": (factors.SMS, "sms_mfa_enabled", "phone_number"),
    "SoftwareTokenMfaSettings": (factors.TOKEN, "software_token_mfa_enabled", None),
    "EmailMfaSettings": (factors.EMAIL, "email_mfa_enabled", "email"),
}


class Preferences:
    """The operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "SetUserPoolMfaConfig": self.set_pool,
            "GetUserPoolMfaConfig": self.get_pool,
            "SetUserMFAPreference": self.prefer,
            "AdminSetUserMFAPreference": self.admin_prefer,
            "GetUserAuthFactors": self.first_factors,
        }

    async def set_pool(self, call: Call) -> Mapping[str, Any]:
        """``SetUserPoolMfaConfig``."""
        params = call.params
        mode = params.get("MfaConfiguration") or "OFF"
        if mode not in ("ON", "OFF", "OPTIONAL"):
            raise errors.invalid("[MfaConfiguration] must be one of 'ON', 'OFF', or 'OPTIONAL'.")
        if params.get("WebAuthnConfiguration"):
            raise NotEmulatedError("passkeys of Cognito user pools (WebAuthnConfiguration)")
        members = ("SmsMfaConfiguration", "SoftwareTokenMfaConfiguration", "EmailMfaConfiguration")
        if mode != "OFF" and not any(params.get(member) is not None for member in members):
            raise errors.invalid(f"At least one of {', '.join(members)} must be provided.")
        return await self._state.in_moto(lambda: _configure(params, mode))  # type: ignore[no-any-return]

    async def get_pool(self, call: Call) -> Mapping[str, Any]:
        """``GetUserPoolMfaConfig``."""
        pool_id = call.params["UserPoolId"]
        return await self._state.in_moto(lambda: _shown(_pool(pool_id)))  # type: ignore[no-any-return]

    async def prefer(self, call: Call) -> None:
        """``SetUserMFAPreference``."""
        held = await issuing.holder(self._state, call.params["AccessToken"])
        await self._prefer(held.client.pool_id, held.user, call.params, by_admin=False)

    async def admin_prefer(self, call: Call) -> None:
        """``AdminSetUserMFAPreference``."""
        pool_id = call.params["UserPoolId"]
        user = await self._state.user(pool_id, call.params["Username"])
        if user is None:
            raise errors.no_user()
        await self._prefer(pool_id, user, call.params, by_admin=True)

    async def first_factors(self, call: Call) -> Mapping[str, Any]:
        """``GetUserAuthFactors``."""
        held = await issuing.holder(self._state, call.params["AccessToken"])
        found = [name for name in choice.offered(held.client, held.user) if name != choice.SRP]
        shown: dict[str, Any] = {"Username": held.user.username, "ConfiguredUserAuthFactors": found}
        if held.user.mfa_settings:
            shown["UserMFASettingList"] = held.user.mfa_settings
        return shown | ({"PreferredMfaSetting": held.user.preferred_mfa} if held.user.preferred_mfa else {})

    async def _prefer(self, pool_id: str, user: User, params: Mapping[str, Any], *, by_admin: bool) -> None:
        if (params.get("WebAuthnMfaSettings") or {}).get("Enabled"):
            raise NotEmulatedError("WebAuthnMfaSettings of Cognito user pools")
        given = {KINDS[name]: params[name] for name in KINDS if params.get(name) is not None}
        for (factor, _, attribute), settings in given.items():
            if settings.get("Enabled"):
                self._check(pool_id, user, factor, attribute, by_admin=by_admin)
        preferred = [kind[0] for kind, one in given.items() if one.get("Enabled") and one.get("PreferredMfa")]
        if len(preferred) > 1:
            raise errors.invalid("Only one MFA may be preferred.")
        off = [kind[0] for kind, one in given.items() if not (one.get("Enabled") and one.get("PreferredMfa"))]

        def change(found: Any) -> None:
            for (factor, switch, _), settings in given.items():
                setattr(found, switch, bool(settings.get("Enabled")))
                if factor == factors.TOKEN:
                    found.token_verified = bool(settings.get("Enabled"))
            if preferred:
                found.preferred_mfa_setting = preferred[0]
            elif found.preferred_mfa_setting in off:
                found.preferred_mfa_setting = None

        await self._state.change(pool_id, user.username, change)

    def _check(self, pool_id: str, user: User, factor: str, attribute: str | None, *, by_admin: bool) -> None:
        key = (pool_id, user.sub)
        if attribute is None and key not in self._state.software_tokens and not by_admin:
            pending = key in self._state.pending_tokens
            raise errors.invalid(f"User has not {'verified' if pending else 'set up'} software token mfa")
        there = user.attributes.get(attribute) if attribute else key in self._state.software_tokens
        if not there:
            raise errors.invalid(f"User does not have delivery config set to turn on {factor}")


def _pool(pool_id: str) -> Any:
    pool = views.find_pool(pool_id)
    if pool is None:
        raise errors.no_pool(pool_id)
    return pool


def _configure(params: Mapping[str, Any], mode: str) -> dict[str, Any]:
    pool = _pool(params["UserPoolId"])
    pool.mfa_config = mode
    pool.sms_mfa_config = params.get("SmsMfaConfiguration")
    pool.token_mfa_config = params.get("SoftwareTokenMfaConfiguration")
    pool.email_mfa_config = params.get("EmailMfaConfiguration")
    return _shown(pool)


def _shown(pool: Any) -> dict[str, Any]:
    made = {
        "SmsMfaConfiguration": pool.sms_mfa_config,
        "SoftwareTokenMfaConfiguration": pool.token_mfa_config,
        "EmailMfaConfiguration": getattr(pool, "email_mfa_config", None),
        "MfaConfiguration": pool.mfa_config,
    }
    return {name: value for name, value in made.items() if value is not None}
