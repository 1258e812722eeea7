"""Second factors of a login: software tokens, and codes by text message and e-mail.

Sources: botocore (RespondToAuthChallenge, SetUserMFAPreference, SetUserPoolMfaConfig); Cognito developer guide,
user-pool-settings-mfa. A code holds as long as its session. A wrong code leaves it open, in
the words that users of SMS_MFA quote. UNSOURCED: that they are EMAIL_OTP's too, how many digits codes have (6 of
SMS_MFA, 8 of the others), and what is asked for when several factors are on and none is preferred
(SELECT_MFA_TYPE here).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.cognito_idp import errors, messages, software_token
from sandbox.control.shims.cognito_idp.state import Session, State
from sandbox.control.shims.cognito_idp.views import Client, User

SMS, EMAIL, TOKEN = "SMS_MFA", "EMAIL_OTP", software_token.CODE
SELECT = "SELECT_MFA_TYPE"
# Challenge of a code that was sent -> (the attribute that it goes to, the answer's name).
SENT = {
    SMS: ("phone_number", "SMS_MFA_CODE"),
    EMAIL: ("email", "EMAIL_OTP_CODE"),
    "SMS_OTP": ("phone_number", "SMS_OTP_CODE"),
}
WRONG_CODE = "Invalid code or auth state for the user."


async def challenge(state: State, client: Client, user: User) -> Mapping[str, Any] | None:
    """What a user with a second factor has to answer; ``None`` for nothing."""
    if client.mfa == "OFF":
        return None
    found = _usable(state, client, user)
    if user.preferred_mfa in found:
        found = [str(user.preferred_mfa)]
    if len(found) == 1:
        return await ask(state, client, user, found[0])
    if found:
        session = state.open_session(client, Session(client.id, user.username, SELECT))
        shown = {"MFAS_CAN_CHOOSE": json.dumps(found), "USER_ID_FOR_SRP": user.username}
        return {"ChallengeName": SELECT, "Session": session, "ChallengeParameters": shown}
    return None if client.mfa != "ON" else _set_up(state, client, user)


def _usable(state: State, client: Client, user: User) -> list[str]:
    """The factors that are on; in a pool that requires one those that can be."""
    has_token = (client.pool_id, user.sub) in state.software_tokens
    chosen = {
        SMS: user.sms_mfa and client.sms_mfa,
        TOKEN: user.software_mfa and has_token,
        EMAIL: user.email_mfa and client.email_mfa,
    }
    found = [name for name, on in chosen.items() if on]
    if found or client.mfa != "ON":
        return found
    if has_token:
        return [TOKEN]
    possible = {
        SMS: client.sms_mfa and bool(user.attributes.get("phone_number")),
        EMAIL: client.email_mfa and user.attributes.get("email_verified") == "true",
    }
    return [name for name, can in possible.items() if can][:1]


def _set_up(state: State, client: Client, user: User) -> Mapping[str, Any]:
    kinds = {SMS: client.sms_mfa, TOKEN: client.software_mfa, EMAIL: client.email_mfa}
    session = state.open_session(client, Session(client.id, user.username, software_token.SETUP))
    shown = {
        "MFAS_CAN_SETUP": json.dumps([name for name, known in kinds.items() if known]),
        "USER_ID_FOR_SRP": user.username,
    }
    return {"ChallengeName": software_token.SETUP, "Session": session, "ChallengeParameters": shown}


async def ask(state: State, client: Client, user: User, name: str) -> Mapping[str, Any]:
    """The challenge of one factor; a code is sent for it when it is none of a software token."""
    if name == TOKEN:
        return software_token.challenge(state, client, user)
    attribute = SENT[name][0]
    if attribute not in user.attributes:
        raise errors.invalid(
            f"The user has no {attribute} that a code could be sent to."
        )  # the text is UNSOURCED
    code = messages.new_code(state, 6 if name == SMS else 8)
    details = await messages.send_code(state, client, user, attribute, code, "Authentication")
    session = state.open_session(client, Session(client.id, user.username, name, code=code))
    shown = {
        "CODE_DELIVERY_DELIVERY_MEDIUM": details["DeliveryMedium"],
        "CODE_DELIVERY_DESTINATION": details["Destination"],
        "USER_ID_FOR_SRP": user.username,
    }
    return {"ChallengeName": name, "Session": session, "ChallengeParameters": shown}


def check_sent(session: Session, given: Mapping[str, str]) -> None:
    """Judge the code that answers a challenge. Raises ``CodeMismatchException``."""
    name = SENT[session.challenge][1]
    if not given.get(name):
        raise errors.missing(name)
    if not hmac.compare_digest(session.code.encode(), given[name].encode()):
        raise errors.refuse("CodeMismatchException", WRONG_CODE)


def chosen(client: Client, answer: str | None) -> str:
    """The factor that answers SELECT_MFA_TYPE."""
    known = {SMS: client.sms_mfa, TOKEN: True, EMAIL: client.email_mfa}
    if not answer:
        raise errors.missing("ANSWER")
    if not known.get(answer):
        raise errors.invalid(f"Invalid MFA type {answer}")  # the text is UNSOURCED
    return answer
