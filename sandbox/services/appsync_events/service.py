"""AppSync Event APIs: which addresses are theirs, and who answers there."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sandbox.aws.errors import AwsError
from sandbox.context import Address, Receive, Sandbox, Scope, Send
from sandbox.services.appsync_events import http
from sandbox.services.appsync_events.engine import Engine, find
from sandbox.services.exchange import Exchange

_HOST = re.compile(
    r"(?P<id>[a-z0-9]+)\.appsync(?:-realtime)?-api\.(?:(?P<region>[a-z]+(?:-[a-z0-9]+)+)\.)?"
    r"(?:amazonaws\.com|localhost)"
)
_HTTP, _REALTIME = "/event", "/event/realtime"
# Hosts that are no custom domain.
_NAMES = re.compile(r"(?:.*\.)?(?:amazonaws\.com|localhost|on\.aws)|[0-9.]+|\[.*|")


class EventsService:
    """Answers ``https://<id>.appsync-api.<region>.amazonaws.com/event`` and the real-time endpoint beside it.

    GraphQL APIs have the same hosts and other paths. Custom domains have any host: :meth:`owns` asks which.
    """

    name = "appsync_events"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._engine: Engine | None = None

    def match(self, address: Address) -> Mapping[str, str] | None:
        """``{"api_id"}``: the first label of an AppSync host, or a custom domain."""
        if (address.path.rstrip("/") or "/") not in (_HTTP, _REALTIME):
            return None
        found = _HOST.fullmatch(address.host)
        if found is not None:
            return {"api_id": found["id"], "domain": address.host}
        if _NAMES.fullmatch(address.host) is None:
            return {"api_id": address.host, "domain": address.host}
        return None

    async def owns(self, api_id: str) -> bool:
        """Whether it is an Event API."""
        return await find(self._sandbox, api_id) is not None

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Close the connections and forget what was kept."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
            await engine.handlers.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        api = await find(self._sandbox, scope["aws"]["api_id"])
        raw = bytes(scope.get("raw_path") or str(scope["path"]).encode())
        path = raw.partition(b"?")[0].decode("latin-1").rstrip("/")
        websocket = scope["type"] == "websocket"
        there = self._sandbox.limits.available("appsync_events.available")
        if api is None or not there or path != (_REALTIME if websocket else _HTTP):
            raise AwsError(  # UNSOURCED
                404, "NotFoundException", f"There is no Event API at {scope['aws']['api_id']}{path}."
            )
        if self._engine is None:
            self._engine = Engine(self._sandbox)
        domain = scope["aws"]["domain"]
        if websocket:
            sent = bytes(scope.get("sent_raw_path") or raw).partition(b"?")[0].decode("latin-1")
            await self._engine.connection(api, scope, domain, sent)
            return
        request_id = self._sandbox.ids.uuid()
        async with Exchange(self._sandbox, self.name, request_id, scope, receive, send) as exchange:
            await http.answer(self._engine, exchange, scope, api, domain)
