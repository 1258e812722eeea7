"""What the tokens of a user pool say (facts 9.3 and 9.4).

An access token of a login by the API has the one scope ``aws.cognito.signin.user.admin``; those of ``/oauth2/token``
have the granted scopes and ``version`` 2.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.cognito_idp.views import BOOLEANS, Client, User

SIGN_IN_SCOPE = "aws.cognito.signin.user.admin"


def common(client: Client, user: User, use: str, at: int, seconds: int) -> dict[str, Any]:
    """What id and access tokens share, without the ids of the login. ``at``: seconds since 1970."""
    claims: dict[str, Any] = {"sub": user.sub}
    if user.groups:
        claims["cognito:groups"] = [group.name for group in user.groups]
    claims.update({"iss": client.issuer, "token_use": use, "iat": at, "exp": at + seconds})
    return claims


def of_id(client: Client, user: User) -> dict[str, Any]:
    """What only an id token says: who the user is."""
    claims: dict[str, Any] = {"aud": client.id, "cognito:username": user.username}
    roles = [group.role for group in user.groups if group.role]
    if roles:
        claims["cognito:roles"] = list(dict.fromkeys(roles))
        preferred = preferred_role(user)
        if preferred:
            claims["cognito:preferred_role"] = preferred
    readable = client.config.get("ReadAttributes") or None
    for name, value in user.attributes.items():
        if name != "sub" and (readable is None or name in readable):
            claims[name] = _typed(name, value)
    return claims


def of_access(client: Client, user: User, scope: str, *, oauth: bool) -> dict[str, Any]:
    """What only an access token says: what it opens."""
    version = {"version": 2} if oauth else {}
    return {"client_id": client.id, "scope": scope, "username": user.username, **version}


def of_machine(client: Client, scope: str, at: int, seconds: int) -> dict[str, Any]:
    """The access token of ``client_credentials``: there is no user, ``sub`` is the client."""
    return {
        "sub": client.id,
        "token_use": "access",
        "scope": scope,
        "auth_time": at,
        "iss": client.issuer,
        "exp": at + seconds,
        "iat": at,
        "version": 2,
        "client_id": client.id,
    }


def preferred_role(user: User) -> str | None:
    """The role of the group that counts most; none when two groups count the same and their roles differ."""
    with_role = [group for group in user.groups if group.role]
    if not with_role:
        return None
    first = min(group.precedence for group in with_role)
    roles = {group.role for group in with_role if group.precedence == first}
    return roles.pop() if len(roles) == 1 and (first != math.inf or len(with_role) == 1) else None


def _typed(name: str, value: str) -> Any:
    if name in BOOLEANS:
        return value.lower() == "true"
    if name == "address":
        return {"formatted": value}
    if name == "identities":
        return json.loads(value)
    return value


def override(claims: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Claims after a pre token generation function's ``claimsToAddOrOverride`` and ``claimsToSuppress``."""
    kept = {**claims, **(changes.get("claimsToAddOrOverride") or {})}
    return {
        name: value for name, value in kept.items() if name not in (changes.get("claimsToSuppress") or ())
    }
