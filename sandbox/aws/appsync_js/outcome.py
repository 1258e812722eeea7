"""What running a handler gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reported:
    """An error of ``util.error`` or ``util.appendError``, or an exception of the code.

    ``data`` and ``info`` are JSON values; ``where``: line and column in the user's code for an exception.
    """

    message: str | None
    type: str | None = None
    data: Any = None
    info: Any = None
    where: tuple[int, int] | None = None

    def document(self) -> dict[str, Any]:
        """As a member of a GraphQL answer's ``errors``, without its path and locations."""
        return {"message": self.message, "errorType": self.type, "data": self.data, "errorInfo": self.info}


@dataclass(frozen=True, slots=True)
class Extension:
    """A call of the ``extensions`` object: ``setSubscriptionFilter`` and so on, with its argument."""

    name: str
    argument: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running a handler gave.

    ``result``: what it returned (``None`` for nothing), or what ``runtime.earlyReturn`` was given when ``early``
    holds; ``skip_to``: "END", "NEXT" or ``None``. ``error``: the handler ended with it, then ``result`` is ``None``.
    ``stash``: as the handler left it. ``arguments``: as a template left them. ``logs``: (level, text).
    """

    result: Any
    stash: dict[str, Any]
    error: Reported | None = None
    early: bool = False
    skip_to: str | None = None
    appended: tuple[Reported, ...] = ()
    extensions: tuple[Extension, ...] = ()
    logs: tuple[tuple[str, str], ...] = ()
    response_headers: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] | None = None
