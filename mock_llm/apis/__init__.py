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
    """Where a handler answers. ``path`` may contain ``{}`` for one segment, ``{*}`` for several."""

    path: str
    handlers: Mapping[str, Handler]


class Api(Protocol):
    """A provider's API: its routes, and its own shape of errors."""

    name: str
    routes: Sequence[Route]

    async def refuse(self, exchange: Exchange, refusal: RefusedError) -> None:
        """Answer a refusal in this API's shape."""
        ...

    def no_such_model(self, model: str) -> RefusedError:
        """What this API says of a model that does not exist."""
        ...

    def no_such_route(self, exchange: Exchange, allowed: Sequence[str]) -> RefusedError:
        """What this API says of an unknown path (nothing is ``allowed``), or of another method."""
        ...

    def no_key(self) -> RefusedError:
        """What this API says when a key is required and there is none."""
        ...

    def claims(self, path: str) -> bool:
        """Whether an unknown path is to be refused in this API's shape."""
        ...
