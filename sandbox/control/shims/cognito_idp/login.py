"""Logging in: ``InitiateAuth`` and ``AdminInitiateAuth``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.cognito_idp import choice, custom, errors, handshakes, issuing, triggers
from sandbox.control.shims.cognito_idp.state import State
from sandbox.control.shims.cognito_idp.steps import (
    check_enabled,
    check_password,
    check_secret_hash,
    next_step,
)
from sandbox.control.shims.cognito_idp.views import Client

REFRESH = ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN")
# Flow -> what of ExplicitAuthFlows allows it.
ALLOWED_BY = {
    "USER_PASSWORD_AUTH": ("ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"),
    "USER_SRP_AUTH": ("ALLOW_USER_SRP_AUTH",),
    "ADMIN_NO_SRP_AUTH": ("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"),
    "ADMIN_USER_PASSWORD_AUTH": ("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"),
    "CUSTOM_AUTH": ("ALLOW_CUSTOM_AUTH", "CUSTOM_AUTH_FLOW_ONLY"),
    "USER_AUTH": ("ALLOW_USER_AUTH",),
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
        if flow == "USER_AUTH":
            return await choice.start(self._state, client, given)
        if flow == "USER_SRP_AUTH":
            return await self._srp(client, given)
        if flow == "CUSTOM_AUTH":
            return await self._custom(client, given)
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

    async def _custom(self, client: Client, given: Mapping[str, str]) -> Mapping[str, Any]:
        """The triggers say what is asked; with ``CHALLENGE_NAME`` SRP_A a password comes first."""
        user = await self._state.user(client.pool_id, given["USERNAME"])
        if user is None and not client.hides_users:
            raise errors.no_user()
        if user is not None:
            check_enabled(user)
        by_srp = given.get("CHALLENGE_NAME") == "SRP_A"
        public = handshakes.public_number(given.get("SRP_A")) if by_srp else None
        rounds = [custom.done("SRP_A", True)] if by_srp else []
        step = await custom.ask_on(self._state, client, given["USERNAME"], user, rounds)
        if step.get("ChallengeName") != "PASSWORD_VERIFIER":
            return step
        if public is None:
            raise errors.missing("SRP_A")
        parameters = handshakes.begin(self._state, client, given["USERNAME"], user, public)
        return {**step, "ChallengeParameters": parameters}

    async def _srp(self, client: Client, given: Mapping[str, str]) -> Mapping[str, Any]:
        public = handshakes.public_number(given.get("SRP_A"))
        user = await self._state.user(client.pool_id, given["USERNAME"])
        if user is None and not client.hides_users:
            raise errors.no_user()
        if user is not None:
            check_enabled(user)
            await triggers.plain(
                self._state, client, user, "PreAuthentication", "PreAuthentication_Authentication"
            )
        parameters = handshakes.begin(self._state, client, given["USERNAME"], user, public)
        return {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": parameters}


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
