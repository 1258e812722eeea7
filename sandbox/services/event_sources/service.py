"""The service: one poller for each mapping that is enabled and whose queue exists."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sandbox.context import Address, Receive, Sandbox, Scope, Send
from sandbox.services.event_sources.poller import Poller

Key = tuple[str, int, float]  # a mapping, how often it was changed, when its queue was made


class EventSourceService:
    """Pollers. It answers at no address; its management API is Lambda's."""

    name = "event_sources"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._pollers: dict[Key, Poller] = {}

    def match(self, address: Address) -> Mapping[str, str] | None:
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError("event source mappings answer at no address")

    async def start(self) -> None:
        """Follow the mappings. Nothing is in flight meanwhile: an idle sandbox does not age."""
        self._sandbox.control.event_sources.listen(self._follow)
        self._follow()

    async def stop(self) -> None:
        """End all pollers; batches under way are ended with the sandbox's other work."""
        self._sandbox.control.event_sources.listen(None)
        await asyncio.gather(*(poller.stop() for poller in self._pollers.values()))
        self._pollers.clear()

    def _follow(self) -> None:
        """Start and end pollers, so that they are those of the mappings that there are now."""
        sources = self._sandbox.control.event_sources
        wanted = {
            (one.uuid, one.epoch, inbox.born): (one, inbox)
            for one in sources.enabled()
            if (inbox := sources.inbox(one.source_arn)) is not None
        }
        for key in [key for key in self._pollers if key not in wanted]:
            self._sandbox.spawn(self._pollers.pop(key).stop(), "end of a poller")
        for key, (source, inbox) in wanted.items():
            if key not in self._pollers:
                self._pollers[key] = Poller(self._sandbox, source, inbox)
                self._pollers[key].start()
