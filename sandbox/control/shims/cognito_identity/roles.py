"""Which role an identity gets: the pool's default, the token's, or that of the first rule that matches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.shims.cognito_identity.state import IdentityPool

Claims = Mapping[str, Any]
MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": lambda value, wanted: value == wanted,
    "NotEqual": lambda value, wanted: value != wanted,
    "StartsWith": lambda value, wanted: value.startswith(wanted),
    "Contains": lambda value, wanted: wanted in value,
}


def of(pool: IdentityPool, kind: str) -> str:
    """The default role, ``authenticated`` or ``unauthenticated``."""
    role = pool.roles.get(kind)
    if not role:
        raise AwsError(
            400,
            "InvalidIdentityPoolConfigurationException",
            "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
        )
    return role


def of_login(pool: IdentityPool, provider: str, claims: Claims, custom: str | None) -> str:
    """The role of a login. Raises ``NotAuthorizedException``, ``InvalidParameterException``."""
    mapping = pool.mappings.get(f"{provider}:{claims['aud']}")
    if mapping is None:
        return of(pool, "authenticated")
    if mapping["Type"] == "Token":
        role = _of_token(claims, custom)
    else:
        role = _of_rules((mapping.get("RulesConfiguration") or {}).get("Rules") or (), claims)
    if role:
        return role
    if mapping.get("AmbiguousRoleResolution") == "Deny":  # UNSOURCED wording
        raise AwsError(400, "NotAuthorizedException", "Access denied: no role of the mapping applies.")
    return of(pool, "authenticated")


def _of_token(claims: Claims, custom: str | None) -> str | None:
    roles = claims.get("cognito:roles") or []
    if custom:
        if custom not in roles:  # UNSOURCED wording
            raise AwsError(
                400, "NotAuthorizedException", "CustomRoleArn is not among the roles of the token."
            )
        return custom
    preferred = claims.get("cognito:preferred_role")
    if preferred:
        return str(preferred)
    return str(roles[0]) if len(roles) == 1 else None


def _of_rules(rules: Any, claims: Claims) -> str | None:
    """Rules are tried in their order; a claim that is a list matches by any of its values."""
    for rule in rules:
        value = claims.get(rule["Claim"])
        values = value if isinstance(value, list) else [] if value is None else [value]
        if any(MATCHES[rule["MatchType"]](_text(one), rule["Value"]) for one in values):
            return str(rule["RoleARN"])
    return None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
