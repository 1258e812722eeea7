"""AppSync GraphQL APIs: which addresses are theirs, and who answers there.

The parts that need GraphQL's library are loaded with the first request: most sandboxes have no such API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.aws.errors import AwsError
from sandbox.context import Address, Receive, Sandbox, Scope, Send
from sandbox.services.appsync import apis
from sandbox.services.exchange import Exchange

if TYPE_CHECKING:
    from sandbox.services.appsync.engine import Engine

_HOST = re.compile(
    r"(?P<id>[a-z0-9]+)\.appsync(?P<realtime>-realtime)?-api\.(?:(?P<region>[a-z]+(?:-[a-z0-9]+)+)\.)?"
    r"(?:amazonaws\.com|localhost)"
)
_PATHS = ("/graphql", "/graphql/realtime")
# Hosts that are no custom domain.
_NAMES = re.compile(r"(?:.*\.)?(?:amazonaws\.com|localhost|on\.aws)|[0-9.]+|.*:.*|")


class AppSyncService:
    """Answers ``https://<id>.appsync-api.<region>.amazonaws.com/graphql`` and the real-time endpoint beside it.

    Event APIs have the same hosts and other paths. Custom domains have any host: :meth:`owns` asks which.
    """

    name = "appsync"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._engine: Engine | None = None

    def match(self, address: Address) -> Mapping[str, str] | None:
        """``{"api_id", "domain"}``: the first label of an AppSync host, or a custom domain."""
        path = address.path.rstrip("/") or "/"
        found = _HOST.fullmatch(address.host)
        if found is not None:
            return (
                None
                if path == "/event" or path.startswith("/event/")
                else {"api_id": found["id"], "domain": ""}
            )
        if path in _PATHS and _NAMES.fullmatch(address.host) is None:
            return {"api_id": address.host, "domain": address.host}
        return None

    async def owns(self, api_id: str) -> bool:
        """Whether it is a GraphQL API of this service."""
        return await apis.find(self._sandbox, api_id) is not None

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Close the connections and forget what was kept."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        api_id, domain = scope["aws"]["api_id"], scope["aws"]["domain"]
        api = await apis.find(self._sandbox, api_id)
        raw = bytes(scope.get("raw_path") or str(scope["path"]).encode())
        path = raw.partition(b"?")[0].decode("latin-1").rstrip("/")
        websocket = scope["type"] == "websocket"
        if api is None or path not in (_PATHS if websocket else _PATHS[:1]):
            raise AwsError(
                404, "NotFoundException", f"There is no GraphQL API at {api_id}{path}."
            )  # UNSOURCED
        engine = self._ready()
        if websocket:
            sent = bytes(scope.get("sent_raw_path") or raw).partition(b"?")[0].decode("latin-1")
            await engine.connection(api, scope, sent)
            return
        request_id = self._sandbox.ids.uuid()
        async with Exchange(self._sandbox, self.name, request_id, scope, receive, send) as exchange:
            from sandbox.services.appsync import http

            await http.answer(engine, exchange, scope, api, domain or None)

    def _ready(self) -> Engine:
        if self._engine is None:
            from sandbox.services.appsync.engine import Engine

            self._engine = Engine(self._sandbox)
        return self._engine
