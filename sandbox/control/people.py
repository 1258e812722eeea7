"""IAM's roles and users as the checks of signatures and permissions want them; where they are kept is a backend's."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from sandbox.auth.credentials import Credential
from sandbox.control.moto_backend import MotoBackend


@dataclass(frozen=True, slots=True)
class Role:
    """A role. ``policies``: the documents of its policies, inline and attached."""

    id: str
    policies: tuple[Mapping[str, Any], ...]


class People(Protocol):
    """Who is in IAM."""

    async def role(self, arn: str) -> Role | None:
        """A role by its ARN."""
        ...

    async def user(self, access_key: str) -> Credential | None:
        """What belongs to an access key of a user; ``None`` for an unknown or inactive one."""
        ...


class MotoPeople:
    """moto's IAM. Roles are read at once, from copies, since each push over an API asks for one."""

    def __init__(self, moto: MotoBackend) -> None:
        self._moto = moto

    async def role(self, arn: str) -> Role | None:
        """A role by its ARN."""
        return _role_of(arn) if _iam_is_used() else None

    async def user(self, access_key: str) -> Credential | None:
        """What belongs to an access key."""
        return await self._moto.run(lambda: _user_of(access_key)) if _iam_is_used() else None


def _iam_is_used() -> bool:
    """Whether anybody can have made a user or a role."""
    return "moto.iam.models" in sys.modules


def _role_of(arn: str) -> Role | None:
    from moto.iam.models import iam_backends

    name = arn.rpartition("/")[2]
    for accounts in list(iam_backends.values()):
        for role in list(accounts["aws"].roles.values()):
            if role.name == name and role.arn == arn:  # moto puts the ARN together each time
                return Role(str(role.id), tuple(_policies(role)))
    return None


def _user_of(access_key: str) -> Credential | None:
    from moto.iam.models import iam_backends

    for accounts in list(iam_backends.values()):
        backend = accounts["aws"]
        user = backend.get_user_from_access_key_id(access_key)
        if user is not None:
            return _of_user(user, backend, access_key)
    return None


def _of_user(user: Any, backend: Any, access_key: str) -> Credential | None:
    key = next(key for key in user.access_keys if key.access_key_id == access_key)
    if key.status != "Active":
        return None
    policies = [*_policies(user)]
    for group in backend.groups.values():
        if user in group.users:
            policies += _policies(group)
    return Credential(
        access_key, key.secret_access_key, None, user.arn, policies=tuple(policies), user_id=user.id
    )


def _policies(owner: Any) -> Iterator[Mapping[str, Any]]:
    """The documents of a user's, group's or role's policies, inline and attached."""
    for document in list(owner.policies.values()):
        yield policy_document(document)
    for policy in list(owner.managed_policies.values()):
        for version in list(policy.versions):
            if version.version_id == policy.default_version_id:
                yield policy_document(version.document)


def policy_document(text: Any) -> Mapping[str, Any]:
    """A policy's document, from JSON, from percent-encoded JSON (as IAM's API gives it) or as it is."""
    if isinstance(text, Mapping):
        return text
    parsed: Mapping[str, Any] = json.loads(unquote(text) if text.lstrip().startswith("%") else text)
    return parsed
