"""What all of Cognito's operations share: moto's pools, and logins and tokens, which are ours."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.aws.ids import IdSource
from sandbox.context import Sandbox
from sandbox.control.moto_backend import MotoBackend
from sandbox.control.shims.cognito_idp import errors, keys, views
from sandbox.control.shims.cognito_idp.srp import Handshake
from sandbox.control.shims.cognito_idp.views import Client, User

ISSUER = re.compile(r"https://cognito-idp\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<pool>[\w-]+)")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Grant:
    """A login, as its refresh token stands for it. Instants in seconds since 1970."""

    client_id: str
    username: str
    origin_jti: str
    event_id: str
    auth_time: int
    expires: float
    scope: str
    oauth: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A challenge that waits for its answer. ``rounds``, ``private``, ``metadata``: of a custom login.

    ``verified``: the token that has to be set up is. ``code``: what was sent to the user.
    """

    client_id: str
    username: str
    challenge: str
    expires: float = 0.0
    rounds: tuple[Mapping[str, Any], ...] = ()
    private: Mapping[str, str] = field(default_factory=dict)
    metadata: str | None = None
    verified: bool = False
    code: str = ""


@dataclass(slots=True)
class SoftwareTokenState:
    """A user's software token, once it is verified. ``used``: the step of the last code that was taken."""

    secret: str
    name: str = ""
    used: int = -1


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was sent to a user."""

    code: str
    expires: float


@dataclass(slots=True)
class State:
    """The sandbox, moto, and what Cognito keeps besides moto. Changed on the loop only."""

    sandbox: Sandbox
    moto: MotoBackend
    ids: IdSource = field(init=False)
    grants: dict[str, Grant] = field(default_factory=dict)  # by refresh token
    revoked: set[str] = field(default_factory=set)  # origin_jti
    sessions: dict[str, Session] = field(default_factory=dict)
    handshakes: dict[str, tuple[Handshake, str, str]] = field(default_factory=dict)  # by secret block
    codes: dict[tuple[str, str, str], Code] = field(default_factory=dict)  # (pool, sub, what for)
    software_tokens: dict[tuple[str, str], SoftwareTokenState] = field(default_factory=dict)  # (pool, sub)
    pending_tokens: dict[tuple[str, str], str] = field(default_factory=dict)  # secrets not yet verified

    def __post_init__(self) -> None:
        self.ids = IdSource(f"cognito {self.sandbox.settings.seed}")

    def reset(self) -> None:
        """Forget everything that is not moto's."""
        self.ids = IdSource(f"cognito {self.sandbox.settings.seed}")
        for kept in (self.grants, self.revoked, self.sessions, self.handshakes, self.codes):
            kept.clear()
        self.software_tokens.clear()
        self.pending_tokens.clear()

    def now(self) -> float:
        """Seconds since 1970 on the sandbox's clock."""
        return self.sandbox.clock.epoch()

    def open_session(self, client: Client, session: Session) -> str:
        """The text by which a client names a challenge that waits, for as long as the client says."""
        minutes = int(client.config.get("AuthSessionValidity") or 3)
        name = self.ids.text(300, LETTERS)
        self.sessions[name] = replace(session, expires=self.now() + minutes * 60)
        return name

    def session(self, name: str, challenge: str, client_id: str | None = None) -> Session:
        """A challenge of that kind that waits. Raises ``NotAuthorizedException``."""
        waiting = self.sessions.get(name)
        if waiting is None or waiting.challenge != challenge or client_id not in (None, waiting.client_id):
            raise errors.not_authorized("Invalid session for the user.")
        if self.now() >= waiting.expires:
            raise errors.not_authorized("Invalid session for the user, session is expired.")
        return waiting

    async def client(self, client_id: str) -> Client:
        """A client by its id. Raises ``ResourceNotFoundException``."""
        found = await self.find_client(client_id)
        if found is None:
            raise errors.no_client(client_id)
        return found

    async def find_client(self, client_id: str) -> Client | None:
        """A client by its id."""
        found: Client | None = await self.moto.run(lambda: views.find_client(client_id))
        return found

    async def client_of(self, pool_id: str, client_id: str) -> Client:
        """A client of that pool. Raises ``ResourceNotFoundException``."""
        if not await self.moto.run(lambda: views.find_pool(pool_id) is not None):
            raise errors.no_pool(pool_id)
        found = await self.client(client_id)
        if found.pool_id != pool_id:
            raise errors.no_client(client_id)
        return found

    async def user(self, pool_id: str, name: str) -> User | None:
        """A user by any of its names."""
        found: User | None = await self.moto.run(lambda: views.find_user(pool_id, name))
        return found

    async def change(self, pool_id: str, name: str, work: Any) -> None:
        """Run ``work(moto's user)`` in moto's worker. Raises ``UserNotFoundException``; moto's errors as AWS's."""
        await self.in_moto(lambda: work(_existing(pool_id, name)))

    async def in_moto(self, work: Any) -> Any:
        """Run something in moto's worker; its errors become ``AwsError``."""
        return await self.moto.run(lambda: _translated(work))

    async def issuer_keys(self, issuer: str) -> Sequence[Mapping[str, Any]] | None:
        """The public keys of a pool that exists, by its issuer's address."""
        named = ISSUER.fullmatch(issuer)
        if named is None or not is_used():
            return None
        pool = await self.moto.run(lambda: views.find_pool(named["pool"]))
        if pool is None or pool.region != named["region"]:
            return None
        return await keys.public_keys(named["pool"])


def is_used() -> bool:
    """Whether anybody can have made a user pool."""
    return "moto.cognitoidp.models" in sys.modules


def _existing(pool_id: str, name: str) -> Any:
    found = views.moto_user(pool_id, name)
    if found is None:
        raise errors.no_user()
    return found


def _translated(work: Any) -> Any:
    from moto.core.exceptions import JsonRESTError

    try:
        return work()
    except JsonRESTError as error:
        raise AwsError(400, str(error.error_type), str(error.message)) from error
