"""Who has which access key: the root user ``test``, moto's IAM users, and role sessions."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any
from urllib.parse import unquote

from sandbox.auth.credentials import Credential
from sandbox.context import Settings
from sandbox.control.moto_backend import MotoBackend
from sandbox.control.shims.call import Call, Handler

ROOT_KEY, ROOT_SECRET = "test", "test"


class Identities:
    """Reads moto's IAM and STS, in its worker."""

    def __init__(self, settings: Settings, moto: MotoBackend) -> None:
        self._settings = settings
        self._moto = moto
        self._root = Credential(
            ROOT_KEY,
            ROOT_SECRET,
            None,
            f"arn:aws:iam::{settings.account}:root",
            is_root=True,
            user_id=settings.account,
        )

    def sts(self) -> Mapping[str, Handler]:
        """STS's operations that are ours."""
        return {"GetCallerIdentity": self.caller_identity}

    async def caller_identity(self, call: Call) -> Mapping[str, Any]:
        """``GetCallerIdentity``; a key that nobody has counts as the root user's (the front refuses bad ones)."""
        found = await self.secret_for(call.target.access_key or ROOT_KEY) or self._root
        return {"UserId": found.user_id, "Account": self._settings.account, "Arn": found.principal_arn}

    async def secret_for(self, access_key: str) -> Credential | None:
        """What is known about an access key; ``None`` for an unknown or inactive one."""
        if access_key == ROOT_KEY:
            return self._root
        if "moto.iam.models" not in sys.modules:
            return None  # nobody has made a user or a session yet
        return await self._moto.run(lambda: self._find(access_key))  # type: ignore[no-any-return]

    async def role_credentials(self, role_arn: str, session: str = "lambda") -> tuple[str, str, str]:
        """A new session of a role, which need not exist in IAM: access key, secret key, token."""

        def assume() -> tuple[str, str, str]:
            from moto.sts.models import sts_backends

            backend = sts_backends[self._settings.account]["aws"]
            made = backend.assume_role(self._settings.region, session, role_arn, None, 43_200, None)  # type: ignore[arg-type]
            return made.access_key_id, made.secret_access_key, made.session_token

        return await self._moto.run(assume)  # type: ignore[no-any-return]

    def _find(self, access_key: str) -> Credential | None:
        from moto.iam.models import iam_backends
        from moto.sts.models import sts_backends

        for regions in list(sts_backends.values()):
            session = regions["aws"].get_assumed_role_from_access_key(access_key)
            if session is not None:
                return _of_session(session, iam_backends)
        for accounts in list(iam_backends.values()):
            backend = accounts["aws"]
            user = backend.get_user_from_access_key_id(access_key)
            if user is not None:
                return _of_user(user, backend, access_key)
        return None


def _of_session(session: Any, iam_backends: Any) -> Credential:
    backend = iam_backends[session.account_id]["aws"]
    role = next((role for role in backend.roles.values() if role.arn == session.role_arn), None)
    return Credential(
        session.access_key_id,
        session.secret_access_key,
        session.session_token,
        session.arn,
        policies=tuple(_policies(role)) if role else (),
        expires=session.expiration.replace(tzinfo=UTC),
        user_id=session.user_id,
    )


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
    for document in owner.policies.values():
        yield _document(document)
    for policy in owner.managed_policies.values():
        yield _document(policy.document)


def _document(text: Any) -> Mapping[str, Any]:
    if isinstance(text, Mapping):
        return text
    parsed: Mapping[str, Any] = json.loads(unquote(text) if text.lstrip().startswith("%") else text)
    return parsed
