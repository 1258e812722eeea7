"""The extensions of one environment: who registered, for which events, and what each waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.services.lambda_.runtime_api.extension_states import (
    ExtensionReady,
    ExtensionRunning,
    ExtensionStarted,
    ExtensionState,
)

MAX_EXTENSIONS = 10  # AWS's emulator: core.MaxAgentsAllowed


@dataclass(slots=True, eq=False)
class Extension:
    """An extension. ``external``: a process of its own, from the layers' ``extensions`` folder."""

    name: str
    id: str
    external: bool
    events: frozenset[str] = frozenset()
    state: ExtensionState = field(default_factory=ExtensionStarted)
    inbox: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def idle(self) -> bool:
        """Whether it waits and nothing waits for it."""
        return isinstance(self.state, ExtensionReady) and not self.inbox

    def post(self, event_id: str, event: dict[str, Any]) -> None:
        """Give it an event; a waiting one runs from this moment."""
        self.inbox.append((event_id, event))
        self.arrived.set()

    async def take(self) -> tuple[str, dict[str, Any]]:
        """The next event, when there is one."""
        while not self.inbox:
            self.arrived.clear()
            await self.arrived.wait()
        self.state = ExtensionRunning()
        return self.inbox.pop(0)


class Extensions:
    """The extensions of an environment by name and by identifier."""

    def __init__(self, external: tuple[str, ...], new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._by_name = {name: Extension(name, new_id(), True) for name in external}
        self.closed = False  # no registration once the runtime is ready
        self.all_registered = asyncio.Event()
        self._check()

    def __iter__(self) -> Iterator[Extension]:
        return iter(tuple(self._by_name.values()))

    def __len__(self) -> int:
        return len(self._by_name)

    def named(self, name: str) -> Extension | None:
        """By name."""
        return self._by_name.get(name)

    def identified(self, id: str) -> Extension | None:
        """By the identifier that registering gave."""
        return next((e for e in self._by_name.values() if e.id == id), None)

    def add_internal(self, name: str) -> Extension:
        """An extension inside the runtime's process."""
        extension = self._by_name[name] = Extension(name, self._new_id(), False)
        return extension

    def register(self, extension: Extension, events: frozenset[str]) -> None:
        """It registered for events; raises ``ForbiddenTransitionError``."""
        extension.state = extension.state.registered(extension.name)
        extension.events = events
        self._check()

    def _check(self) -> None:
        if not any(e.external and isinstance(e.state, ExtensionStarted) for e in self):
            self.all_registered.set()

    @property
    def idle(self) -> bool:
        """Whether every one of them waits."""
        return all(e.idle for e in self)
