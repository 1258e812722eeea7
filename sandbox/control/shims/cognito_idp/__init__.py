"""Cognito user pools: moto has pools, clients, groups and users; logging in and tokens are ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.shims.call import Call, Handler

if TYPE_CHECKING:
    from sandbox.control.shims.cognito_idp.state import State

__all__ = ["handlers"]

# moto answers some of these for tokens of its own making; it does not know ours.
NOT_EMULATED = (
    *("SetUserSettings", "ListUserSessions", "RevokeUserSession"),
    *("ConfirmDevice", "ForgetDevice", "GetDevice", "ListDevices", "UpdateDeviceStatus"),
    *("StartWebAuthnRegistration", "CompleteWebAuthnRegistration", "ListWebAuthnCredentials"),
    *("DeleteWebAuthnCredential", "UpdateAuthEventFeedback"),
)


async def _refuse(call: Call) -> None:
    raise NotEmulatedError(f"Cognito {call.operation.name}")


def handlers(state: State) -> Mapping[str, Handler]:
    """The operations that are ours."""
    # Imported when the service is first used: a sandbox that starts needs none of it.
    from sandbox.control.shims.cognito_idp.account import Account
    from sandbox.control.shims.cognito_idp.challenges import Challenges
    from sandbox.control.shims.cognito_idp.login import Login
    from sandbox.control.shims.cognito_idp.pools import Pools
    from sandbox.control.shims.cognito_idp.preferences import Preferences
    from sandbox.control.shims.cognito_idp.signup import SignUp
    from sandbox.control.shims.cognito_idp.software_token import SoftwareTokens

    made: dict[str, Handler] = dict.fromkeys(NOT_EMULATED, _refuse)
    for part in (Pools, Login, Challenges, Account, SignUp, SoftwareTokens, Preferences):
        made.update(part(state).handlers())
    return made
