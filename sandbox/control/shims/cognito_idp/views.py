"""What a login needs to know of a pool, a client and a user: snapshots of moto's objects."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.control.shims.cognito_idp import errors

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
# What a client may do when it names no flows (botocore, CreateUserPoolClient.ExplicitAuthFlows).
DEFAULT_FLOWS = ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")
BOOLEANS = ("email_verified", "phone_number_verified")


@dataclass(frozen=True, slots=True)
class Client:
    """An app client, and what is needed of its pool. ``config``: as DescribeUserPoolClient gives it."""

    id: str
    pool_id: str
    region: str
    secret: str | None
    config: Mapping[str, Any]
    pool_config: Mapping[str, Any]
    mfa: str  # OFF, OPTIONAL, ON
    software_mfa: bool  # whether the pool knows software tokens
    sms_mfa: bool
    email_mfa: bool
    resource_scopes: frozenset[str]
    required: tuple[str, ...]  # attributes that a user must have

    @property
    def issuer(self) -> str:
        """``iss`` of its tokens (fact 9.2)."""
        return f"https://cognito-idp.{self.region}.amazonaws.com/{self.pool_id}"

    @property
    def flows(self) -> frozenset[str]:
        """``ExplicitAuthFlows``."""
        return frozenset(self.config.get("ExplicitAuthFlows") or DEFAULT_FLOWS)

    @property
    def hides_users(self) -> bool:
        """Whether it does not tell which users exist. Not said is LEGACY (botocore)."""
        return self.config.get("PreventUserExistenceErrors") == "ENABLED"

    @property
    def revocation(self) -> bool:
        """``EnableTokenRevocation``."""
        return bool(self.config.get("EnableTokenRevocation", True))

    @property
    def triggers(self) -> Mapping[str, Any]:
        """The pool's ``LambdaConfig``."""
        return self.pool_config.get("LambdaConfig") or {}

    def validity_s(self, token: str, default_s: int) -> int:
        """Seconds for which an ``AccessToken``, ``IdToken`` or ``RefreshToken`` holds."""
        return validity_s(self.config, token) or default_s


def validity_s(config: Mapping[str, Any], token: str) -> int | None:
    """The configured validity in seconds; ``None`` when nothing (or, for a refresh token, 0) is configured."""
    value = config.get(f"{token}Validity")
    unit = (config.get("TokenValidityUnits") or {}).get(token) or (
        "days" if token == "RefreshToken" else "hours"
    )
    return int(value) * UNITS[unit] if value else None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a user. ``precedence``: lower counts more; infinite when not given."""

    name: str
    role: str | None
    precedence: float


@dataclass(frozen=True, slots=True)
class User:
    """A user of a pool. ``attributes``: all of them, by name, as text."""

    username: str
    sub: str
    password: str | None
    status: str
    enabled: bool
    software_mfa: bool
    sms_mfa: bool
    email_mfa: bool
    preferred_mfa: str | None
    attributes: Mapping[str, str]
    groups: tuple[Group, ...]

    @property
    def mfa_settings(self) -> list[str]:
        """``UserMFASettingList``: the second factors that are on."""
        kinds = {
            "SMS_MFA": self.sms_mfa,
            "SOFTWARE_TOKEN_MFA": self.software_mfa,
            "EMAIL_OTP": self.email_mfa,
        }
        return [name for name, on in kinds.items() if on]


def find_client(client_id: str) -> Client | None:
    """A client by its id, in any pool. In moto's worker."""
    for pool in pools():
        if client_id in pool.clients:
            return _client(pool, pool.clients[client_id])
    return None


def no_client(pool_id: str) -> Client:
    """What stands for a client where an administrator acts. In moto's worker."""
    from types import SimpleNamespace

    pool = find_pool(pool_id)
    if pool is None:
        raise errors.no_pool(pool_id)
    nobody: dict[str, Any] = {
        "id": "CLIENT_ID_NOT_APPLICABLE",
        "secret": None,
        "generate_secret": False,
        "extended_config": {},
    }
    return _client(pool, SimpleNamespace(**nobody))


def find_pool(pool_id: str) -> Any | None:
    """moto's pool. In moto's worker."""
    return next((pool for pool in pools() if pool.id == pool_id), None)


def backend_of(pool_id: str) -> Any:
    """moto's backend that has the pool. Raises ``ResourceNotFoundException``. In moto's worker."""
    pool = find_pool(pool_id)
    if pool is None:
        raise errors.no_pool(pool_id)
    return pool.backend


def find_user(pool_id: str, name: str) -> User | None:
    """A user by username, by ``sub``, or by an attribute that serves as one. In moto's worker."""
    found = moto_user(pool_id, name)
    return user_view(found) if found is not None else None


def moto_user(pool_id: str, name: str) -> Any | None:
    """moto's user, as :func:`find_user`."""
    pool = find_pool(pool_id)
    if pool is None:
        return None
    names = [name]
    if pool.extended_config.get("UsernameConfiguration", {}).get("CaseSensitive") is False:
        names.append(name.lower())
    for one in names:
        found = pool._get_user(one) or pool.users.get(one)
        if found is not None:
            return found
    aliases = pool.extended_config.get("AliasAttributes") or ()
    for user in pool.users.values():
        known = user.attribute_lookup
        if user.id == name or any(known.get(alias) == name and _verified(known, alias) for alias in aliases):
            return user
    return None


def _verified(attributes: Mapping[str, str], alias: str) -> bool:
    """Cognito takes an e-mail address or a telephone number for an alias once it is verified."""
    return alias == "preferred_username" or attributes.get(f"{alias}_verified") == "true"


def pools() -> Iterator[Any]:
    """All of moto's pools. In moto's worker."""
    from moto.cognitoidp.models import cognitoidp_backends

    for regions in list(cognitoidp_backends.values()):
        for backend in list(regions.values()):
            yield from list(backend.user_pools.values())


def _client(pool: Any, client: Any) -> Client:
    scopes = frozenset(
        f"{server.identifier}/{scope['ScopeName']}"
        for server in pool.resource_servers.values()
        for scope in server.scopes or ()
    )
    return Client(
        id=client.id,
        pool_id=pool.id,
        region=pool.region,
        secret=client.secret if client.generate_secret else None,
        config=dict(client.extended_config),
        pool_config=dict(pool.extended_config),
        mfa=str(pool.mfa_config or "OFF"),
        software_mfa=bool((pool.token_mfa_config or {}).get("Enabled")),
        sms_mfa=bool(pool.sms_mfa_config),
        email_mfa=getattr(pool, "email_mfa_config", None) is not None,
        resource_scopes=scopes,
        required=tuple(a.name for a in pool.schema_attributes.values() if a.required and a.name != "sub"),
    )


def user_view(user: Any) -> User:
    """A snapshot of moto's user."""
    attributes = {attribute["Name"]: str(attribute["Value"]) for attribute in user.attributes}
    groups = [
        Group(g.group_name, g.role_arn or None, math.inf if g.precedence is None else float(g.precedence))
        for g in user.groups
    ]
    return User(
        username=user.username,
        sub=user.id,
        password=user.password,
        status=getattr(user.status, "value", user.status),
        enabled=user.enabled,
        software_mfa=bool(user.software_token_mfa_enabled),
        sms_mfa=bool(user.sms_mfa_enabled),
        email_mfa=bool(getattr(user, "email_mfa_enabled", False)),
        preferred_mfa=user.preferred_mfa_setting or None,
        attributes=attributes,
        groups=tuple(sorted(groups, key=lambda group: (group.precedence, group.name))),
    )
