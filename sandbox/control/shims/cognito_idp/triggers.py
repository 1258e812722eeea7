"""Lambda triggers of a user pool: the functions that ``LambdaConfig`` names, asked at their point of a login.

Event and answer as in the Cognito developer guide (cognito-user-identity-pools-working-with-aws-lambda-triggers):
the function gives its event back with ``response`` filled in; an error of it fails the operation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import Invocation
from sandbox.control.shims.cognito_idp import claims, errors
from sandbox.control.shims.cognito_idp.state import State
from sandbox.control.shims.cognito_idp.views import Client, User

# What LambdaConfig may name and the sandbox does not ask.
# Custom senders get their code encrypted by the AWS Encryption SDK with a key of KMS.
NOT_EMULATED = ("CustomEmailSender", "CustomSMSSender")


def check(config: Mapping[str, Any] | None) -> None:
    """Refuse a ``LambdaConfig`` with functions that nobody would ask. Raises ``NotEmulatedError``."""
    for name in NOT_EMULATED:
        if (config or {}).get(name):
            raise NotEmulatedError(f"the Lambda trigger {name} of Cognito user pools (LambdaConfig)")


async def ask(
    state: State,
    client: Client,
    username: str,
    source: str,
    function: str,
    version: str,
    request: Mapping[str, Any],
    response: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """Invoke a trigger and take its ``response``. ``response``: what the function finds there, nothing by default.

    Raises ``UserLambdaValidationException`` with the function's own error message when it fails, and
    ``InvalidLambdaResponseException`` when it does not give an event back.
    """
    kind = source.partition("_")[0]
    event = {
        "version": version,
        "region": client.region,
        "userPoolId": client.pool_id,
        "userName": username,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client.id},
        "triggerSource": source,
        "request": request,
        "response": dict(response or {}),
    }
    try:
        result = await state.sandbox.invoke(Invocation(function, json.dumps(event).encode()))
    except AwsError as failure:
        raise errors.refuse(
            "UnexpectedLambdaException", f"{kind} invocation failed due to error {failure.message}"
        ) from failure
    try:
        answer = json.loads(result.payload)
    except ValueError:
        answer = None
    if result.function_error:
        message = answer.get("errorMessage", "") if isinstance(answer, dict) else ""
        raise errors.refuse("UserLambdaValidationException", f"{kind} failed with error {message}.")
    if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
        raise errors.refuse("InvalidLambdaResponseException", "Unrecognizable lambda output")
    return dict(answer["response"])


async def plain(
    state: State, client: Client, user: User, name: str, source: str, **request: Any
) -> Mapping[str, Any]:
    """Ask a trigger by its name in ``LambdaConfig``; nothing when the pool has none."""
    function = client.triggers.get(name)
    if not function:
        return {}
    attributes = {**user.attributes, "cognito:user_status": user.status}
    return await ask(
        state, client, user.username, source, function, "1", {"userAttributes": attributes, **request}
    )


async def before_tokens(
    state: State,
    client: Client,
    user: User,
    source: str,
    identity: dict[str, Any],
    access: dict[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The claims of both tokens after the pre token generation trigger, versions 1 and 2."""
    config = client.triggers.get("PreTokenGenerationConfig") or {}
    function = config.get("LambdaArn") or client.triggers.get("PreTokenGeneration")
    if not function:
        return identity, access
    second = config.get("LambdaVersion", "V1_0") != "V1_0"
    roles = [group.role for group in user.groups if group.role]
    request: dict[str, Any] = {
        "userAttributes": {**user.attributes, "cognito:user_status": user.status},
        "groupConfiguration": {
            "groupsToOverride": [group.name for group in user.groups],
            "iamRolesToOverride": roles,
            "preferredRole": claims.preferred_role(user),
        },
    }
    if second:
        request["scopes"] = access["scope"].split()
    response = await ask(state, client, user.username, source, function, "2" if second else "1", request)
    if second:
        return _second(response.get("claimsAndScopeOverrideDetails") or {}, identity, access)
    details = response.get("claimsOverrideDetails") or {}
    groups = _groups(details)
    return claims.override({**identity, **groups}, details), {**access, **_only_groups(groups)}


def _second(
    details: Mapping[str, Any], identity: dict[str, Any], access: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    groups = _groups(details)
    changes = details.get("accessTokenGeneration") or {}
    scopes = [*access["scope"].split(), *(changes.get("scopesToAdd") or ())]
    kept = [scope for scope in dict.fromkeys(scopes) if scope not in (changes.get("scopesToSuppress") or ())]
    access = {**access, **_only_groups(groups), "scope": " ".join(kept)}
    identity = {**identity, **groups}
    return claims.override(identity, details.get("idTokenGeneration") or {}), claims.override(access, changes)


def _groups(details: Mapping[str, Any]) -> dict[str, Any]:
    given = details.get("groupOverrideDetails") or {}
    names = {
        "groupsToOverride": "cognito:groups",
        "iamRolesToOverride": "cognito:roles",
        "preferredRole": "cognito:preferred_role",
    }
    return {claim: given[name] for name, claim in names.items() if given.get(name)}


def _only_groups(groups: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in groups.items() if name == "cognito:groups"}
