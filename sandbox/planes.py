"""The data planes of a sandbox by name. Some are made when an address first looks like theirs.

A data plane's code takes up to 50 ms to import, and few sandboxes need all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.context import Address, Service


@dataclass(frozen=True, slots=True)
class Signs:
    """By what an address may be a data plane's: every address that its ``match`` takes has one of these.

    ``host``: a part of the host. ``paths``: how the path begins.
    """

    host: str
    paths: tuple[str, ...] = ()

    def on(self, address: Address) -> bool:
        """Whether the data plane has to be asked."""
        return self.host in address.host or address.path.startswith(self.paths)


class Services(MutableMapping[str, "Service"]):
    """Data planes in the order in which they are asked. To take one by its name makes it."""

    def __init__(self) -> None:
        self._made: dict[str, Service | None] = {}  # all of them, in order
        self._later: dict[str, tuple[Signs, Callable[[], Service]]] = {}

    def later(self, name: str, signs: Signs, make: Callable[[], Service]) -> None:
        """Add one that is made when it is wanted: its ``start`` must have nothing to do."""
        self._made[name] = None
        self._later[name] = (signs, make)

    def running(self) -> list[Service]:
        """Those that were made."""
        return [service for service in self._made.values() if service is not None]

    def asked(self, address: Address) -> Iterator[tuple[Service, Mapping[str, str]]]:
        """Those that answer at an address, each with what its ``match`` gave."""
        for name, made in tuple(self._made.items()):
            if made is None and not self._later[name][0].on(address):
                continue
            service = self[name]
            parameters = service.match(address)
            if parameters is not None:
                yield service, parameters

    def __getitem__(self, name: str) -> Service:
        service = self._made[name]
        if service is None:
            service = self._made[name] = self._later[name][1]()
        return service

    def __setitem__(self, name: str, service: Service) -> None:
        self._made[name] = service

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)
