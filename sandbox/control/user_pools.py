"""What Cognito's data plane (key sets, hosted domains) asks of the control plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class OauthError(Exception):
    """An OAuth 2.0 refusal. ``error``: RFC 6749's word. ``description``: for ``www-authenticate``, may be empty."""

    def __init__(self, error: str, description: str = "", status: int = 400) -> None:
        super().__init__(f"{error} {description}".strip())
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks at a token endpoint. ``secret``: by HTTP Basic or in the form; ``None`` when not sent."""

    client_id: str
    secret: str | None


class UserPools(Protocol):
    """User pools behind their hosted domains. All but the first two raise :class:`OauthError`."""

    async def keys(self, pool_id: str) -> Sequence[Mapping[str, Any]] | None:
        """A pool's key set; ``None`` when there is no such pool."""
        ...

    async def domain(self, name: str) -> str | None:
        """The id of the pool that has a domain prefix or a custom domain."""
        ...

    async def domain_of(self, pool_id: str) -> str | None:
        """A pool's domain prefix or custom domain."""
        ...

    async def tokens(self, pool_id: str, asks: Credentials, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The answer of ``/oauth2/token`` to a form."""
        ...

    async def check_authorize(self, pool_id: str, query: Mapping[str, str]) -> None:
        """Whether ``/oauth2/authorize`` may show a login for these parameters."""
        ...

    async def code(self, pool_id: str, query: Mapping[str, str], username: str, password: str) -> str:
        """An authorization code for a user who logged in at the hosted form."""
        ...

    async def user_info(self, pool_id: str, access_token: str) -> Mapping[str, Any]:
        """The answer of ``/oauth2/userInfo``."""
        ...

    async def revoke(self, pool_id: str, asks: Credentials, token: str) -> None:
        """``/oauth2/revoke``."""
        ...
