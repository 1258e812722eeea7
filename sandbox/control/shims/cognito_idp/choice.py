"""USER_AUTH: a login whose first factor the user chooses (SELECT_CHALLENGE).

Source: Cognito developer guide, "Authentication with user pools, choice-based sign-in"; botocore (InitiateAuth,
RespondToAuthChallenge). The pool's sign-in policy says which first factors there may be, a password alone by default.
One-time codes are not offered where the pool requires a second factor. Passkeys (WEB_AUTHN) are not emulated. What a
client that hides users is told about one who is not there is UNSOURCED (the refusal of a wrong password).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.shims.cognito_idp import errors, factors, handshakes, triggers
from sandbox.control.shims.cognito_idp.state import Session, State
from sandbox.control.shims.cognito_idp.steps import check_enabled, check_password, next_step
from sandbox.control.shims.cognito_idp.views import Client, User

SELECT, PASSWORD, SRP = "SELECT_CHALLENGE", "PASSWORD", "PASSWORD_SRP"
CODES = {"EMAIL_OTP": "email", "SMS_OTP": "phone_number"}


async def start(state: State, client: Client, given: Mapping[str, str]) -> Mapping[str, Any]:
    """``InitiateAuth`` with USER_AUTH: the challenge that the client prefers, or the choice."""
    user = await state.user(client.pool_id, given["USERNAME"])
    if user is None:
        raise errors.not_authorized() if client.hides_users else errors.no_user()
    check_enabled(user)
    preferred = given.get("PREFERRED_CHALLENGE")
    available = offered(client, user)
    if preferred in available:
        return await begin(state, client, user, str(preferred), given)
    if preferred == "WEB_AUTHN":
        raise NotEmulatedError("passkeys of Cognito user pools (WEB_AUTHN)")
    await triggers.plain(state, client, user, "PreAuthentication", "PreAuthentication_Authentication")
    session = state.open_session(client, Session(client.id, user.username, SELECT))
    return {
        "ChallengeName": SELECT,
        "Session": session,
        "ChallengeParameters": {},
        "AvailableChallenges": available,
    }


def offered(client: Client, user: User) -> list[str]:
    """The challenges that a user may choose from."""
    policies = client.pool_config.get("Policies") or {}
    allowed = (policies.get("SignInPolicy") or {}).get("AllowedFirstAuthFactors") or [PASSWORD]
    found = [PASSWORD, SRP] if PASSWORD in allowed and user.password else []
    if client.mfa == "ON":
        return found
    for name, attribute in CODES.items():
        if name in allowed and user.attributes.get(f"{attribute}_verified") == "true":
            found.append(name)
    return found


async def begin(
    state: State, client: Client, user: User, name: str, given: Mapping[str, str]
) -> Mapping[str, Any]:
    """A challenge that was chosen. A password may come with the choice."""
    if name == PASSWORD:
        if given.get("PASSWORD"):
            return await by_password(state, client, user.username, given)
        session = state.open_session(client, Session(client.id, user.username, PASSWORD))
        return {"ChallengeName": PASSWORD, "Session": session, "ChallengeParameters": {}}
    if name == SRP:
        public = handshakes.public_number(given.get("SRP_A"))
        parameters = handshakes.begin(state, client, user.username, user, public)
        return {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": parameters}
    return await factors.ask(state, client, user, name)


async def by_password(
    state: State, client: Client, username: str, given: Mapping[str, str]
) -> Mapping[str, Any]:
    """The end of a login by password, or its second factor."""
    if not given.get("PASSWORD"):
        raise errors.missing("PASSWORD")
    user = await check_password(state, client, username, given["PASSWORD"])
    return await next_step(state, client, user)


async def select(state: State, client: Client, user: User, given: Mapping[str, str]) -> Mapping[str, Any]:
    """The answer to SELECT_CHALLENGE."""
    name = given.get("ANSWER")
    if not name:
        raise errors.missing("ANSWER")
    if name == "WEB_AUTHN":
        raise NotEmulatedError("passkeys of Cognito user pools (WEB_AUTHN)")
    if name not in offered(client, user):
        raise errors.invalid(f"Selected challenge {name} is not available")  # the text is UNSOURCED
    return await begin(state, client, user, name, given)
