"""The steps that all logins share: who may go on, what is asked next, and the tokens at the end."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.cognito_idp import errors, factors, issuing, migration, triggers
from sandbox.control.shims.cognito_idp.state import Session, State
from sandbox.control.shims.cognito_idp.views import Client, User


async def check_password(state: State, client: Client, username: str, password: str) -> User:
    """The user whose password it is. Raises Cognito's refusals."""
    user = await state.user(client.pool_id, username)
    if user is None:
        user = await migration.migrate(state, client, username, "Authentication", password)
    if user is None:
        raise errors.not_authorized() if client.hides_users else errors.no_user()
    check_enabled(user)
    await triggers.plain(state, client, user, "PreAuthentication", "PreAuthentication_Authentication")
    if user.password is None or not hmac.compare_digest(user.password.encode(), password.encode()):
        raise errors.not_authorized()
    check_status(user)
    return user


def check_enabled(user: User) -> None:
    """A disabled user is told before the password is looked at."""
    if not user.enabled:
        raise errors.not_authorized("User is disabled.")


def check_status(user: User) -> None:
    """Whether a user who knows the password may go on."""
    if user.status == "UNCONFIRMED":
        raise errors.refuse("UserNotConfirmedException", "User is not confirmed.")
    if user.status == "RESET_REQUIRED":
        raise errors.refuse("PasswordResetRequiredException", "Password reset required for the user")


async def next_step(state: State, client: Client, user: User) -> Mapping[str, Any]:
    """Tokens, or what the user has to do before."""
    if user.status == "FORCE_CHANGE_PASSWORD":
        return _new_password(state, client, user)
    return await factors.challenge(state, client, user) or await finish(state, client, user)


async def finish(state: State, client: Client, user: User) -> Mapping[str, Any]:
    """The tokens of a login that has nothing left to ask."""
    made = await issuing.log_in(state, client, user)
    await triggers.plain(
        state, client, user, "PostAuthentication", "PostAuthentication_Authentication", newDeviceUsed=False
    )
    return {"ChallengeParameters": {}, "AuthenticationResult": made.authentication_result()}


def _new_password(state: State, client: Client, user: User) -> Mapping[str, Any]:
    shown = {name: value for name, value in user.attributes.items() if name != "sub"}
    session = state.open_session(client, Session(client.id, user.username, "NEW_PASSWORD_REQUIRED"))
    return {
        "ChallengeName": "NEW_PASSWORD_REQUIRED",
        "Session": session,
        "ChallengeParameters": {
            "USER_ID_FOR_SRP": user.username,
            "requiredAttributes": json.dumps(required_attributes(client, user)),
            "userAttributes": json.dumps(shown),
        },
    }


def required_attributes(client: Client, user: User) -> list[str]:
    """``userAttributes.<name>`` of the attributes that the pool requires and the user lacks."""
    return [f"userAttributes.{name}" for name in client.required if name not in user.attributes]


def check_secret_hash(client: Client, username: str, given: Mapping[str, str]) -> None:
    """Whether a client with a secret sent the right ``SECRET_HASH`` (or ``SecretHash``)."""
    sent = given.get("SECRET_HASH") or given.get("SecretHash")
    if client.secret is None:
        if sent:
            raise errors.not_authorized(f"Unable to verify secret hash for client {client.id}")
        return
    if not sent:
        raise errors.not_authorized(
            f"Client {client.id} is configured with secret but SECRET_HASH was not received"
        )
    if not hmac.compare_digest(issuing.secret_hash(client, username).encode(), sent.encode()):
        raise errors.not_authorized(f"Unable to verify secret hash for client {client.id}")
