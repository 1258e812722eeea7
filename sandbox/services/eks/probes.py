"""Probes of containers: a request or a connection, again and again (Kubernetes API, v1 Probe)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sandbox.context import Sandbox
from sandbox.services.eks.objects import Document
from sandbox.services.loopback import dialed

_HEAD_LIMIT = 2**16


class Probe:
    """A probe of one container. ``passing``: what it last came to; a liveness probe passes until it does not."""

    def __init__(
        self, sandbox: Sandbox, address: str, container: Document, probe: Document, passing: bool
    ) -> None:
        self.passing = passing
        self._sandbox = sandbox
        self._address = address
        self._probe = probe
        self._port = port_of(container, (probe.get("httpGet") or probe["tcpSocket"])["port"])

    async def run(self, changed: Callable[[], None]) -> None:
        """Look until it is cancelled. ``changed``: called when it passes, or fails, as often as it has to."""
        probe, row = self._probe, 0
        await asyncio.sleep(probe["initialDelaySeconds"])
        while True:
            passes = await self._passes()
            row = row + 1 if passes != self.passing else 0
            if row >= probe["successThreshold" if passes else "failureThreshold"]:
                self.passing, row = passes, 0
                changed()
            await asyncio.sleep(probe["periodSeconds"])

    async def _passes(self) -> bool:
        port = dialed(self._address, self._port, self._sandbox.settings.port)
        try:
            with self._sandbox.clock.in_flight("probe"):
                async with asyncio.timeout(self._probe["timeoutSeconds"]):
                    reader, writer = await asyncio.open_connection(self._address, port, limit=_HEAD_LIMIT)
                    try:
                        return "httpGet" not in self._probe or await self._answers(reader, writer)
                    finally:
                        writer.close()
        except (OSError, ValueError, asyncio.IncompleteReadError):  # a timeout is an OSError as well
            return False

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Any status from 200 to 399 will do."""
        get: dict[str, Any] = self._probe["httpGet"]
        headers = {
            "Host": f"{self._address}:{self._port}",
            "User-Agent": "kube-probe/1.33",
            "Connection": "close",
        }
        headers |= {one["name"]: one["value"] for one in get.get("httpHeaders") or []}
        lines = [f"GET {get['path']} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        status = (await reader.readline()).split(b" ")
        return len(status) > 1 and 200 <= int(status[1]) < 400


def port_of(container: Document, port: int | str) -> int:
    """A port by its number, or by its name in the container; 0 when there is no such name."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    named = {one.get("name"): one["containerPort"] for one in container.get("ports") or []}
    return int(named.get(port, 0))
