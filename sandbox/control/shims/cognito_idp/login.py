"""Logging in: ``InitiateAuth`` and ``AdminInitiateAuth``."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.cognito_idp import errors, issuing, triggers
from sandbox.control.shims.cognito_idp.srp import Handshake, N, is_public_number, verifier
from sandbox.control.shims.cognito_idp.state import LETTERS, Session, State
from sandbox.control.shims.cognito_idp.views import Client, User

REFRESH = ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN")
# Flow -> what of ExplicitAuthFlows allows it.
ALLOWED_BY = {
    "USER_PASSWORD_AUTH": ("ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"),
    "USER_SRP_AUTH": ("ALLOW_USER_SRP_AUTH",),
    "ADMIN_NO_SRP_AUTH": ("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"),
    "ADMIN_USER_PASSWORD_AUTH": ("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"),
    "REFRESH_TOKEN_AUTH": ("ALLOW_REFRESH_TOKEN_AUTH",),
    "REFRESH_TOKEN": ("ALLOW_REFRESH_TOKEN_AUTH",),
}
OLD_FLOWS = frozenset(("ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH"))


class Login:
    """The two operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "InitiateAuth": self.initiate,
            "AdminInitiateAuth": self.admin_initiate,
            "GetTokensFromRefreshToken": self.renew,
        }

    async def initiate(self, call: Call) -> Mapping[str, Any]:
        """``InitiateAuth``."""
        if str(call.params.get("AuthFlow", "")).startswith("ADMIN_"):
            raise errors.invalid("Initiate Auth method not supported.")
        client = await self._state.client(call.params["ClientId"])
        return await self._start(client, call.params)

    async def admin_initiate(self, call: Call) -> Mapping[str, Any]:
        """``AdminInitiateAuth``."""
        if call.params.get("AuthFlow") == "USER_PASSWORD_AUTH":
            raise errors.invalid("Initiate Auth method not supported.")
        client = await self._state.client_of(call.params["UserPoolId"], call.params["ClientId"])
        return await self._start(client, call.params)

    async def renew(self, call: Call) -> Mapping[str, Any]:
        """``GetTokensFromRefreshToken``, without rotation."""
        client = await self._state.client(call.params["ClientId"])
        if client.secret is not None and call.params.get("ClientSecret") != client.secret:
            raise errors.not_authorized(
                f"Unable to verify secret for client {client.id}"
            )  # the text is UNSOURCED
        made = await issuing.renew(self._state, client, call.params["RefreshToken"])
        return {"AuthenticationResult": made.authentication_result()}

    async def _start(self, client: Client, params: Mapping[str, Any]) -> Mapping[str, Any]:
        flow = str(params.get("AuthFlow", ""))
        given: Mapping[str, str] = params.get("AuthParameters") or {}
        if flow not in ALLOWED_BY:
            raise NotEmulatedError(f"the login flow {flow} of Cognito user pools")
        check_flow(client, flow)
        if flow in REFRESH:
            return await self._refresh(client, given)
        if not given.get("USERNAME"):
            raise errors.missing("USERNAME")
        check_secret_hash(client, given["USERNAME"], given)
        if flow == "USER_SRP_AUTH":
            return await self._srp(client, given)
        return await self._password(client, given)

    async def _refresh(self, client: Client, given: Mapping[str, str]) -> Mapping[str, Any]:
        token = given.get("REFRESH_TOKEN")
        if not token:
            raise errors.missing("REFRESH_TOKEN")
        grant = self._state.grants.get(token)
        if client.secret is not None:
            # Clients hash the name that the tokens show, or the one that the user typed.
            check_secret_hash(client, grant.username if grant else "", given)
        made = await issuing.renew(self._state, client, token)
        return {"ChallengeParameters": {}, "AuthenticationResult": made.authentication_result()}

    async def _password(self, client: Client, given: Mapping[str, str]) -> Mapping[str, Any]:
        password = given.get("PASSWORD")
        if not password:
            raise errors.missing("PASSWORD")
        user = await check_password(self._state, client, given["USERNAME"], password)
        return await next_step(self._state, client, user)

    async def _srp(self, client: Client, given: Mapping[str, str]) -> Mapping[str, Any]:
        public = _number(given.get("SRP_A"))
        user = await self._state.user(client.pool_id, given["USERNAME"])
        if user is None and not client.hides_users:
            raise errors.no_user()
        if user is not None:
            check_enabled(user)
            await triggers.plain(
                self._state, client, user, "PreAuthentication", "PreAuthentication_Authentication"
            )
        name = user.username if user else given["USERNAME"]
        ids = self._state.ids
        salt = int(ids.hex(32), 16)
        pool = client.pool_id.partition("_")[2]
        # A user who is not there has a password that nobody knows.
        secret = user.password if user and user.password else ids.text(40)
        handshake = Handshake(
            pool=pool,
            user=name,
            salt=salt,
            verifier=verifier(pool, name, secret, salt),
            a=public,
            b=int(ids.hex(256), 16) % N,
            secret_block=b64encode(ids.text(700, LETTERS).encode()).decode(),
        )
        self._state.handshakes[handshake.secret_block] = (handshake, client.id, name)
        return {
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeParameters": {
                "SALT": f"{salt:x}",
                "SECRET_BLOCK": handshake.secret_block,
                "SRP_B": f"{handshake.public:x}",
                "USERNAME": name,
                "USER_ID_FOR_SRP": name,
            },
        }


async def check_password(state: State, client: Client, username: str, password: str) -> User:
    """The user whose password it is. Raises Cognito's refusals."""
    user = await state.user(client.pool_id, username)
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
    if client.mfa == "ON" or user.mfa:
        raise NotEmulatedError(
            "multi-factor authentication of Cognito user pools (SMS_MFA, SOFTWARE_TOKEN_MFA)"
        )
    made = await issuing.log_in(state, client, user)
    await triggers.plain(
        state, client, user, "PostAuthentication", "PostAuthentication_Authentication", newDeviceUsed=False
    )
    return {"ChallengeParameters": {}, "AuthenticationResult": made.authentication_result()}


def _new_password(state: State, client: Client, user: User) -> Mapping[str, Any]:
    shown = {name: value for name, value in user.attributes.items() if name != "sub"}
    minutes = int(client.config.get("AuthSessionValidity") or 3)
    session = state.ids.text(300, LETTERS)
    expires = state.now() + minutes * 60
    state.sessions[session] = Session(client.id, user.username, "NEW_PASSWORD_REQUIRED", expires)
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


def check_flow(client: Client, flow: str) -> None:
    """Whether the client allows a flow. A client of the old kind (flows without ALLOW_) renews as well."""
    if client.flows & set(ALLOWED_BY[flow]):
        return
    if client.flows & OLD_FLOWS and flow in (*REFRESH, "USER_SRP_AUTH"):
        return
    if flow in ("USER_PASSWORD_AUTH", "USER_SRP_AUTH"):
        form = (
            "{} flow not enabled for this client"
            if flow == "USER_PASSWORD_AUTH"
            else "{} is not enabled for the client."
        )
        raise errors.invalid(form.format(flow))
    raise errors.invalid("Auth flow not enabled for this client")


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


def _number(text: str | None) -> int:
    if not text:
        raise errors.missing("SRP_A")
    try:
        public = int(text, 16)
    except ValueError:
        public = 0
    if not is_public_number(public):
        raise errors.invalid("SRP_A is not a valid public value.")  # the text is UNSOURCED
    return public
