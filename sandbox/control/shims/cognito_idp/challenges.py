"""Answering a challenge: ``RespondToAuthChallenge`` and ``AdminRespondToAuthChallenge``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.cognito_idp import choice, custom, errors, factors, passwords, software_token
from sandbox.control.shims.cognito_idp.state import State
from sandbox.control.shims.cognito_idp.steps import (
    check_secret_hash,
    check_status,
    finish,
    next_step,
    required_attributes,
)
from sandbox.control.shims.cognito_idp.views import Client, User

PREFIX = "userAttributes."


class Challenges:
    """The two operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"RespondToAuthChallenge": self.respond, "AdminRespondToAuthChallenge": self.admin_respond}

    async def respond(self, call: Call) -> Mapping[str, Any]:
        """``RespondToAuthChallenge``."""
        return await self._answer(await self._state.client(call.params["ClientId"]), call.params)

    async def admin_respond(self, call: Call) -> Mapping[str, Any]:
        """``AdminRespondToAuthChallenge``."""
        client = await self._state.client_of(call.params["UserPoolId"], call.params["ClientId"])
        return await self._answer(client, call.params)

    async def _answer(self, client: Client, params: Mapping[str, Any]) -> Mapping[str, Any]:
        given: Mapping[str, str] = params.get("ChallengeResponses") or {}
        if not given.get("USERNAME"):
            raise errors.missing("USERNAME")
        check_secret_hash(client, given["USERNAME"], given)
        name, session = params.get("ChallengeName"), params.get("Session") or ""
        if name == "PASSWORD_VERIFIER":
            return await self._verify(client, session, given, params.get("ClientMetadata"))
        if name == "NEW_PASSWORD_REQUIRED":
            return await self._new_password(client, session, given)
        if name == "CUSTOM_CHALLENGE":
            return await self._custom(client, session, given, params.get("ClientMetadata"))
        if name == software_token.CODE:
            return await self._software_token(client, session, given)
        if name == software_token.SETUP:
            return await self._set_up(client, session)
        if name in (*factors.SENT, factors.SELECT, choice.SELECT, choice.PASSWORD):
            return await self._chosen(client, str(name), session, given)
        raise NotEmulatedError(f"the challenge {name} of Cognito user pools")

    async def _custom(
        self, client: Client, name: str, given: Mapping[str, str], metadata: Mapping[str, str] | None
    ) -> Mapping[str, Any]:
        if not given.get("ANSWER"):
            raise errors.missing("ANSWER")
        session = self._state.session(name, "CUSTOM_CHALLENGE", client.id)
        del self._state.sessions[name]
        return await custom.answer(self._state, client, session, given["ANSWER"], metadata)

    async def _software_token(self, client: Client, name: str, given: Mapping[str, str]) -> Mapping[str, Any]:
        code = given.get("SOFTWARE_TOKEN_MFA_CODE")
        if not code:
            raise errors.missing("SOFTWARE_TOKEN_MFA_CODE")
        session = self._state.session(name, software_token.CODE, client.id)
        user = await self._user(client, session.username)
        software_token.check_code(self._state, client, user, code)
        del self._state.sessions[name]
        return await finish(self._state, client, user)

    async def _chosen(
        self, client: Client, name: str, session: str, given: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Choices, and what they lead to. A wrong code leaves the session open."""
        waiting = self._state.session(session, name, client.id)
        user = await self._user(client, waiting.username)
        if name in factors.SENT:
            factors.check_sent(waiting, given)
            check_status(user)
        del self._state.sessions[session]
        if name in factors.SENT:
            return await finish(self._state, client, user)
        if name == factors.SELECT:
            kind = factors.chosen(client, given.get("ANSWER"))
            return await factors.ask(self._state, client, user, kind)
        if name == choice.SELECT:
            return await choice.select(self._state, client, user, given)
        return await choice.by_password(self._state, client, user.username, given)

    async def _set_up(self, client: Client, name: str) -> Mapping[str, Any]:
        session = self._state.session(name, software_token.SETUP, client.id)
        if not session.verified:
            # The text is UNSOURCED.
            raise errors.not_authorized("The software token has not been verified.")
        del self._state.sessions[name]
        return await finish(self._state, client, await self._user(client, session.username))

    async def _verify(
        self, client: Client, name: str, given: Mapping[str, str], metadata: Mapping[str, str] | None
    ) -> Mapping[str, Any]:
        """The end of the SRP handshake: a proof counts once. ``name``: the session of a custom login."""
        for parameter in ("PASSWORD_CLAIM_SECRET_BLOCK", "PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"):
            if not given.get(parameter):
                raise errors.missing(parameter)
        handshake, client_id, username = self._state.handshakes.pop(
            given["PASSWORD_CLAIM_SECRET_BLOCK"], (None, "", "")
        )
        if handshake is None or client_id != client.id:
            raise errors.not_authorized()
        if not handshake.proves(given["PASSWORD_CLAIM_SIGNATURE"], given["TIMESTAMP"]):
            raise errors.not_authorized()
        user = await self._user(client, username)
        check_status(user)
        if name in self._state.sessions:
            session = self._state.session(name, "PASSWORD_VERIFIER", client.id)
            del self._state.sessions[name]
            rounds = [*session.rounds, custom.done("PASSWORD_VERIFIER", True)]
            return await custom.ask_on(self._state, client, username, user, rounds, metadata)
        return await next_step(self._state, client, user)

    async def _new_password(
        self, client: Client, session: str, given: Mapping[str, str]
    ) -> Mapping[str, Any]:
        password = given.get("NEW_PASSWORD")
        if not password:
            raise errors.missing("NEW_PASSWORD")
        waiting = self._state.session(session, "NEW_PASSWORD_REQUIRED", client.id)
        passwords.check(client.pool_config, password)
        sent = {name[len(PREFIX) :]: value for name, value in given.items() if name.startswith(PREFIX)}
        user = await self._user(client, waiting.username)
        still = [name for name in required_attributes(client, user) if name[len(PREFIX) :] not in sent]
        if still:
            raise errors.invalid(f"Invalid attributes given, {still[0][len(PREFIX) :]} is missing")
        del self._state.sessions[session]
        await self._state.change(client.pool_id, user.username, lambda found: _set(found, password, sent))
        return await next_step(self._state, client, await self._user(client, user.username))

    async def _user(self, client: Client, name: str) -> User:
        user = await self._state.user(client.pool_id, name)
        if user is None:
            raise errors.not_authorized()
        return user


def _set(user: Any, password: str, attributes: Mapping[str, str]) -> None:
    from moto.cognitoidp.models import UserStatus

    user.password = password
    user.status = UserStatus.CONFIRMED
    if attributes:
        user.update_attributes([{"Name": name, "Value": value} for name, value in attributes.items()])
