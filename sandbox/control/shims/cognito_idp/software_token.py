"""Multi-factor authentication by software tokens (TOTP, RFC 6238: SHA-1, 30 seconds, six digits).

Sources: botocore (AssociateSoftwareToken, VerifySoftwareToken, SetUserMFAPreference, RespondToAuthChallenge);
Amazon Cognito developer guide, user-pool-settings-mfa-totp; messages as users quote them. That a code of the step
before or after is taken too is UNSOURCED.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.cognito_idp import errors, issuing
from sandbox.control.shims.cognito_idp.state import Session, SoftwareTokenState, State
from sandbox.control.shims.cognito_idp.views import Client, User

STEP_S = 30
DIGITS = 6
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SECRET_LETTERS = 52  # 32 bytes in base 32, as Cognito gives them
SETUP, CODE = "MFA_SETUP", "SOFTWARE_TOKEN_MFA"


def code_at(secret: str, step: int) -> str:
    """The code of a secret (base 32) in the 30 seconds with that number since 1970."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, step.to_bytes(8), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def challenge(state: State, client: Client, user: User) -> Mapping[str, Any]:
    """What a user with a token has to answer."""
    token = state.software_tokens.get((client.pool_id, user.sub))
    session = state.open_session(client, Session(client.id, user.username, CODE))
    shown = {"USER_ID_FOR_SRP": user.username}
    if token is not None and token.name:
        shown["FRIENDLY_DEVICE_NAME"] = token.name
    return {"ChallengeName": CODE, "Session": session, "ChallengeParameters": shown}


def check_code(state: State, client: Client, user: User, given: str) -> None:
    """Use a code up. Raises ``CodeMismatchException``, ``ExpiredCodeException``."""
    token = state.software_tokens.get((client.pool_id, user.sub))
    step = _step_of(state, token, given)
    if token is None or step is None:
        raise errors.refuse("CodeMismatchException", "Invalid code received for user")
    if step <= token.used:
        raise errors.refuse("ExpiredCodeException", "Your software token has already been used once.")
    token.used = step


def _step_of(state: State, token: SoftwareTokenState | None, given: str) -> int | None:
    """The 30 seconds that a code belongs to, of the present ones and those before and after."""
    if token is None or not given.isascii():
        return None
    now = int(state.now()) // STEP_S
    found = (
        step for step in (now, now - 1, now + 1) if hmac.compare_digest(code_at(token.secret, step), given)
    )
    return next(found, None)


@dataclass(frozen=True, slots=True)
class _Held:
    """Whose token it is; ``session``: of a login that is under way."""

    client: Client
    user: User
    session: Session | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.client.pool_id, self.user.sub


class SoftwareTokens:
    """The operations that set a token up."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "AssociateSoftwareToken": self.associate,
            "VerifySoftwareToken": self.verify,
        }

    async def associate(self, call: Call) -> Mapping[str, Any]:
        """``AssociateSoftwareToken``: a new secret; the old token, if there is one, holds until it is verified."""
        held = await self._held(call)
        secret = self._state.ids.text(SECRET_LETTERS, ALPHABET)
        self._state.pending_tokens[held.key] = secret
        return {"SecretCode": secret, **self._renewed(held)}

    async def verify(self, call: Call) -> Mapping[str, Any]:
        """``VerifySoftwareToken``."""
        held = await self._held(call)
        secret = self._state.pending_tokens.get(held.key)
        if secret is None:
            # The text is UNSOURCED.
            raise errors.refuse("SoftwareTokenMFANotFoundException", "No software token was associated")
        token = SoftwareTokenState(secret, name=call.params.get("FriendlyDeviceName") or "")
        step = _step_of(self._state, token, call.params["UserCode"])
        if step is None:
            raise errors.refuse(
                "EnableSoftwareTokenMFAException", "Code mismatch and fail enable Software Token MFA"
            )
        token.used = step
        self._state.software_tokens[held.key] = token
        del self._state.pending_tokens[held.key]
        return {"Status": "SUCCESS", **self._renewed(held, verified=True)}

    async def _held(self, call: Call) -> _Held:
        """By an access token, or by the session of a login that has to set a token up."""
        access, name = call.params.get("AccessToken"), call.params.get("Session")
        if access:
            held = await issuing.holder(self._state, access)
            return _Held(held.client, held.user)
        if not name:
            raise errors.invalid("Either AccessToken or Session is required")  # the text is UNSOURCED
        session = self._state.session(name, SETUP)
        client = await self._state.client(session.client_id)
        user = await self._state.user(client.pool_id, session.username)
        if user is None:
            raise errors.not_authorized()
        del self._state.sessions[name]
        return _Held(client, user, session)

    def _renewed(self, held: _Held, *, verified: bool = False) -> dict[str, str]:
        if held.session is None:
            return {}
        session = Session(held.client.id, held.user.username, SETUP, verified=verified)
        return {"Session": self._state.open_session(held.client, session)}
