"""Who has which access key: the root user ``test``, IAM's users, and role sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sandbox.auth.credentials import Credential
from sandbox.aws.errors import NotEmulatedError
from sandbox.context import Sandbox
from sandbox.control.people import People
from sandbox.control.shims.call import Call, Handler
from sandbox.control.validation import validate

ROOT_KEY, ROOT_SECRET = "test", "test"


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a role."""

    credential: Credential
    role_arn: str


class Identities:
    """The root user, our own role sessions, and IAM's users."""

    def __init__(self, sandbox: Sandbox, people: People) -> None:
        self._sandbox = sandbox
        self._people = people
        self._sessions: dict[str, Session] = {}
        account = sandbox.settings.account
        arn = f"arn:aws:iam::{account}:root"
        self._root = Credential(ROOT_KEY, ROOT_SECRET, None, arn, is_root=True, user_id=account)

    def reset(self) -> None:
        """Forget all sessions."""
        self._sessions.clear()

    def sts(self) -> Mapping[str, Handler]:
        """STS's operations that are ours."""
        return {
            "GetCallerIdentity": self.caller_identity,
            "AssumeRole": self.assume_role,
            "GetSessionToken": self.session_token,
        }

    async def caller_identity(self, call: Call) -> Mapping[str, Any]:
        """``GetCallerIdentity``; a key that nobody has counts as the root user's (the front refuses bad ones)."""
        found = await self._caller(call)
        return {
            "UserId": found.user_id,
            "Account": self._sandbox.settings.account,
            "Arn": found.principal_arn,
        }

    async def _caller(self, call: Call) -> Credential:
        return await self.secret_for(call.target.access_key or ROOT_KEY) or self._root

    async def assume_role(self, call: Call) -> Mapping[str, Any]:
        """``AssumeRole``. The role need not exist, and its trust policy is not judged."""
        params = call.params
        validate(call.operation.model, params)
        if params.get("Policy") or params.get("PolicyArns"):
            raise NotEmulatedError("STS session policies (Policy, PolicyArns of AssumeRole)")
        made = await self._assume(
            params["RoleArn"], params["RoleSessionName"], params.get("DurationSeconds", 3600)
        )
        return {
            "Credentials": _credentials(made),
            "AssumedRoleUser": {"AssumedRoleId": made.user_id, "Arn": made.principal_arn},
        }

    async def session_token(self, call: Call) -> Mapping[str, Any]:
        """``GetSessionToken``: temporary credentials of who calls."""
        caller = await self._caller(call)
        expires = self._expiry(call.params.get("DurationSeconds", 43_200))
        made = replace(self._keys(), **_principal(caller), expires=expires)
        self._sessions[made.access_key] = Session(made, "")
        return {"Credentials": _credentials(made)}

    async def role_credentials(self, role_arn: str, session: str = "lambda") -> tuple[str, str, str]:
        """A new session of a role, which need not exist in IAM: access key, secret key, token."""
        made = await self._assume(role_arn, session, 43_200)
        return made.access_key, made.secret_key, made.session_token or ""

    async def assume(
        self, role_arn: str, name: str, seconds: int, context: Mapping[str, Any] | None = None
    ) -> Credential:
        """A new session of a role, for a service that gives its credentials out; ``context``: its condition keys."""
        return await self._assume(role_arn, name, seconds, context)

    async def _assume(
        self, role_arn: str, name: str, seconds: int, context: Mapping[str, Any] | None = None
    ) -> Credential:
        account, role = role_arn.split(":")[4], role_arn.rpartition("/")[2]
        role_id = await self._role_id(role_arn)
        made = replace(
            self._keys(),
            principal_arn=f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
            expires=self._expiry(seconds),
            user_id=f"{role_id}:{name}",
            context=context or {},
        )
        self._sessions[made.access_key] = Session(made, role_arn)
        return made

    def _keys(self) -> Credential:
        """New temporary keys in AWS's form."""
        ids = self._sandbox.ids
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        access_key = "ASIA" + ids.text(16, f"{letters}234567")
        secret = ids.text(40, f"{letters}{letters.lower()}0123456789+/")
        return Credential(
            access_key,
            secret,
            "IQoJb3JpZ2luX2Vj" + ids.text(320, f"{letters}{letters.lower()}0123456789+/"),
            "",
        )

    def _expiry(self, seconds: int) -> datetime:
        return self._sandbox.clock.utcnow() + timedelta(seconds=seconds)

    async def secret_for(self, access_key: str) -> Credential | None:
        """What is known about an access key; ``None`` for an unknown or inactive one."""
        if access_key == ROOT_KEY:
            return self.root_credential(access_key)
        session = self._sessions.get(access_key)
        if session is not None:
            if not session.role_arn:
                return session.credential
            role = await self._people.role(session.role_arn)
            return replace(session.credential, policies=role.policies if role else ())
        return await self._people.user(access_key)

    def root_credential(self, access_key: str) -> Credential | None:
        """The root user's credential when the key is its."""
        return self._root if access_key == ROOT_KEY else None

    async def _role_id(self, role_arn: str) -> str:
        role = await self._people.role(role_arn)
        return role.id if role else "AROA" + self._sandbox.ids.text(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def _credentials(made: Credential) -> dict[str, Any]:
    return {
        "AccessKeyId": made.access_key,
        "SecretAccessKey": made.secret_key,
        "SessionToken": made.session_token,
        "Expiration": made.expires,
    }


def _principal(caller: Credential) -> dict[str, Any]:
    """What temporary credentials of a caller share with it."""
    names = ("principal_arn", "is_root", "policies", "user_id")
    return {name: getattr(caller, name) for name in names}
