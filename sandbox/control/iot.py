"""What IoT's data plane reads of the control plane: policies, authorizers, topic rules, attached things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class IotAuthorizer:
    """A custom authorizer. ``function``: its ARN; ``public_keys``: PEM by name; ``status``: ACTIVE or INACTIVE."""

    name: str
    arn: str
    function: str
    status: str
    signing_disabled: bool
    token_key: str
    public_keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class IotRule:
    """A topic rule. ``actions`` and ``error_action``: as the API has them, ``{"lambda": {"functionArn": ...}}``."""

    name: str
    arn: str
    sql: str
    sql_version: str
    actions: tuple[Mapping[str, Any], ...]
    error_action: Mapping[str, Any] | None
    enabled: bool


class IotReading(Protocol):
    """Reading at request time."""

    async def policies_of(self, target: str) -> Sequence[Mapping[str, Any]]:
        """The documents of the policies attached to a certificate's ARN or to the id of a Cognito identity."""
        ...

    async def things_of(self, principal: str) -> Sequence[str]:
        """Names of the things attached to a principal."""
        ...

    async def authorizer(self, name: str | None) -> IotAuthorizer | None:
        """A custom authorizer by its name; ``None`` asks for the default one."""
        ...

    async def has_authorizers(self) -> bool:
        """Whether there is an active one."""
        ...

    def rules(self) -> Sequence[IotRule]:
        """The topic rules, in the order in which they were made."""
        ...
