"""CUSTOM_AUTH: a login whose steps three Lambda functions decide on.

Sources: Amazon Cognito developer guide, user-pool-lambda-define-auth-challenge, -create-auth-challenge and
-verify-auth-challenge-response, for events and answers; botocore (InitiateAuth, RespondToAuthChallenge) for which
of them are told the client's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.shims.cognito_idp import errors, triggers
from sandbox.control.shims.cognito_idp.state import Session, State
from sandbox.control.shims.cognito_idp.steps import check_status, finish
from sandbox.control.shims.cognito_idp.views import Client, User

Round = Mapping[str, Any]


def done(name: str, result: bool, metadata: str | None = None) -> Round:
    """A challenge that was answered, as the functions see it in ``session``."""
    return {"challengeName": name, "challengeResult": result} | (
        {"challengeMetadata": metadata} if metadata else {}
    )


async def ask_on(
    state: State,
    client: Client,
    username: str,
    user: User | None,
    rounds: Sequence[Round],
    metadata: Mapping[str, str] | None = None,
) -> Mapping[str, Any]:
    """What comes after these rounds: tokens, a refusal, or the next challenge.

    ``PASSWORD_VERIFIER`` comes without its parameters. ``user`` is ``None`` for one who is not there, which the
    functions are told where the client hides it.
    """
    common = {"session": [dict(one) for one in rounds], "userNotFound": user is None}
    if metadata:
        common["clientMetadata"] = dict(metadata)
    decided = await _ask(state, client, username, user, "DefineAuthChallenge", common)
    if decided.get("failAuthentication") is True:
        raise errors.not_authorized()
    if decided.get("issueTokens") is True:
        if user is None:
            raise errors.not_authorized()
        check_status(user)
        return await finish(state, client, user)
    name = decided.get("challengeName")
    session = Session(client.id, username, str(name), rounds=tuple(rounds))
    if name == "PASSWORD_VERIFIER":
        return {"ChallengeName": name, "Session": state.open_session(client, session)}
    if name != "CUSTOM_CHALLENGE":
        raise NotEmulatedError(f"the challenge {name} in custom logins of Cognito user pools")
    made = await _ask(state, client, username, user, "CreateAuthChallenge", {"challengeName": name, **common})
    session = Session(
        client.id,
        username,
        name,
        rounds=tuple(rounds),
        private=dict(made.get("privateChallengeParameters") or {}),
        metadata=made.get("challengeMetadata"),
    )
    shown = {key: str(value) for key, value in (made.get("publicChallengeParameters") or {}).items()}
    return {
        "ChallengeName": name,
        "Session": state.open_session(client, session),
        "ChallengeParameters": {**shown, "USERNAME": user.username if user else username},
    }


async def answer(
    state: State, client: Client, session: Session, given: str, metadata: Mapping[str, str] | None
) -> Mapping[str, Any]:
    """What comes after the answer to a ``CUSTOM_CHALLENGE``."""
    user = await state.user(client.pool_id, session.username)
    request: dict[str, Any] = {
        "privateChallengeParameters": dict(session.private),
        "challengeAnswer": given,
        "userNotFound": user is None,
    }
    if metadata:
        request["clientMetadata"] = dict(metadata)
    verified = await _ask(state, client, session.username, user, "VerifyAuthChallengeResponse", request)
    right = verified.get("answerCorrect") is True
    rounds = [*session.rounds, done("CUSTOM_CHALLENGE", right, session.metadata)]
    return await ask_on(state, client, session.username, user, rounds, metadata)


async def _ask(
    state: State, client: Client, username: str, user: User | None, name: str, request: Mapping[str, Any]
) -> Mapping[str, Any]:
    function = client.triggers.get(name)
    if not function:
        raise errors.invalid("Custom auth lambda trigger is not configured for the user pool.")
    attributes = {**user.attributes, "cognito:user_status": user.status} if user else {}
    told = {"userAttributes": attributes, **request}
    named = user.username if user else username
    return await triggers.ask(state, client, named, f"{name}_Authentication", function, "1", told)
