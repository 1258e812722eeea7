"""The Kubernetes API at the endpoint of a cluster."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from sandbox.context import Address, Receive, Sandbox, Scope, Send

if TYPE_CHECKING:  # most sandboxes have no cluster: what one needs is imported with the first
    from sandbox.services.eks.cluster import Cluster
    from sandbox.services.eks.requests import Requests

_HOST = re.compile(r"(?P<id>[a-z0-9]{32})\.(?:[a-z0-9-]+\.)+(?:amazonaws\.com|localhost)")


class EksService:
    """Answers ``<id>.gr7.<region>.eks.amazonaws.com``."""

    name = "eks"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._clusters: dict[str, Cluster] = {}  # by id
        self._forget: Callable[[], None] | None = None

    @cached_property
    def _requests(self) -> Requests:
        from sandbox.services.eks.requests import Requests

        return Requests(self._sandbox)

    def match(self, address: Address) -> Mapping[str, str] | None:
        """``{"id"}``: the first label of a cluster's endpoint."""
        found = _HOST.fullmatch(address.host) if ".eks." in address.host else None
        return {"id": found["id"]} if found else None

    async def start(self) -> None:
        """Watch the records."""
        self._forget = self._sandbox.control.clusters.changes.listen(self._look)

    async def stop(self) -> None:
        """End the controllers; tasks are ECS's to end."""
        if self._forget is not None:
            self._forget()
            self._forget = None
        await asyncio.gather(*(cluster.stop() for cluster in self._clusters.values()))
        self._clusters.clear()

    def _look(self) -> None:
        known = {one.id: one for one in self._sandbox.control.clusters.by_name.values()}
        for identifier in known.keys() - self._clusters.keys():
            from sandbox.services.eks.cluster import Cluster

            self._clusters[identifier] = Cluster(self._sandbox, known[identifier])
        for identifier in self._clusters.keys() - known.keys():
            cluster = self._clusters.pop(identifier)
            self._sandbox.spawn(cluster.delete(), f"end of the cluster {cluster.record.name}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # exec, attach and port-forward
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        cluster = self._clusters.get(scope["aws"]["id"])
        await self._requests.answer(cluster, scope, receive, send)
