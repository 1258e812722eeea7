"""The APIs that the mock model speaks. One module or package each; a new one is added to ``mock_llm.app``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mock_llm.wire import Exchange, RefusedError

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

Handler = Callable[["MockLLM", Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """Where a handler answers. ``path`` may contain ``{}`` for one segment (any characters but ``/``)."""

    path: str
    handlers: Mapping[str, Handler]


class Api(Protocol):
    """A provider's API: its routes, and its own shape of errors."""

    name: str
    routes: Sequence[Route]

    async def refuse(self, exchange: Exchange, refusal: RefusedError) -> None:
        """Answer a refusal in this API's shape."""
        ...

    def claims(self, path: str) -> bool:
        """Whether an unknown path is to be refused in this API's shape."""
        ...
