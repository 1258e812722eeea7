"""Makers of GraphQL APIs, and clients of both endpoints without sockets, for the tests of this folder."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.auth import Credential
from sandbox.context import Address, Frame, WebSocketDisconnect
from sandbox.control.appsync import (
    AppSyncKey,
    AuthProvider,
    DataSource,
    GraphqlApi,
    Mapped,
    PipelineFunction,
    Resolver,
)
from sandbox.control.resources import PolicyStatement
from sandbox.services.appsync import AppSyncService

HOST = "api1.appsync-api.us-east-1.amazonaws.com"
REALTIME = "api1.appsync-realtime-api.us-east-1.amazonaws.com"
ARN = "arn:aws:appsync:us-east-1:000000000000:apis/api1"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:chat"
KEY = "da2-key"
WITH_KEY = {"host": HOST, "x-api-key": KEY}
SDL = """
type Message { id: ID room: String! text: String author: Author tags: [String] count: Int }
type Author { name: String age: Int }
type Query { hello(name: String): String messages: [Message] }
type Mutation { send(room: String!, text: String, count: Int, author: String): Message quiet(room: String!): Message }
type Subscription {
  onSend(room: String, text: String): Message @aws_subscribe(mutations: ["send"])
  onAny: Message @aws_subscribe(mutations: ["send"])
}
"""
ECHO = """
export function request(ctx) { return { payload: ctx.args }; }
export function response(ctx) { return ctx.result; }
"""
AUTHORED = """
export function request(ctx) { return { payload: { ...ctx.args, author: { name: ctx.args.author } } }; }
export function response(ctx) { return ctx.result; }
"""


def mapped(code: str | None = ECHO, source: str | None = "none", **changes: Any) -> Mapped:
    values: dict[str, Any] = {
        "code": code,
        "runtime": "APPSYNC_JS" if code else None,
        "request_template": None,
        "response_template": None,
        "data_source": source,
    }
    return Mapped(**(values | changes))


def resolver(field: str, code: str | None = ECHO, source: str = "none", **changes: Any) -> Resolver:
    type_name, _, name = field.partition(".")
    functions = tuple(changes.pop("functions", ()))
    kind: Any = "PIPELINE" if functions else "UNIT"
    arn = f"{ARN}/types/{type_name}/resolvers/{name}"
    return Resolver(
        type_name, name, arn, kind, mapped(code, None if functions else source, **changes), functions
    )


def direct(field: str, source: str = "lambda", **changes: Any) -> Resolver:
    return resolver(field, None, source, **changes)


SOURCES = (
    DataSource("none", "NONE", None, {}),
    DataSource("lambda", "AWS_LAMBDA", None, {"lambdaConfig": {"lambdaFunctionArn": FUNCTION}}),
)


def api(*resolvers: Resolver, **changes: Any) -> GraphqlApi:
    sources = (*SOURCES, *changes.pop("sources", ()))
    functions = changes.pop("functions", {})
    values: dict[str, Any] = {
        "id": "api1",
        "name": "chat",
        "arn": ARN,
        "region": "us-east-1",
        "account": "000000000000",
        "schema": SDL,
        "auth": (AuthProvider("API_KEY"),),
        "keys": {KEY: AppSyncKey(KEY, 4_000_000_000.0)},
        "data_sources": {source.name: source for source in sources},
        "functions": {name: PipelineFunction(name, name, made) for name, made in functions.items()},
        "resolvers": {(r.type_name, r.field_name): r for r in resolvers or (resolver("Mutation.send"),)},
    }
    return GraphqlApi(**(values | changes))


class Apis:
    """What exists."""

    def __init__(self, *made: GraphqlApi) -> None:
        self.apis = {one.id: one for one in made}
        self.domains = {"graphql.example.com": "api1"}

    async def graphql_api(self, api_id: str) -> GraphqlApi | None:
        return self.apis.get(api_id)

    async def event_api(self, api_id: str) -> None:
        return None

    async def domain(self, name: str) -> str | None:
        return self.domains.get(name)


class Socket:
    """A client's WebSocket; ``heard`` is what the service sent: (instant, frame)."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.heard: list[tuple[float, Any]] = []
        self.accepted: str | None = None
        self.closed = False
        self.code: int | None = None
        self._frames: asyncio.Queue[Any] = asyncio.Queue()

    async def accept(self, subprotocol: str | None = None, headers: Iterable[Any] = (), **_: Any) -> None:
        self.accepted = subprotocol

    async def receive(self) -> Frame:
        frame = await self._frames.get()
        if isinstance(frame, Exception):
            raise frame
        return frame

    def send(self, data: str) -> None:
        assert not self.closed
        self.heard.append((round(self.clock.now(), 6), json.loads(data)))

    def close(self, code: int = 1000, reason: str = "") -> None:
        if not self.closed:
            self.closed, self.code = True, code
            self._frames.put_nowait(WebSocketDisconnect(code, reason, "server"))

    # -- the client's side

    async def say(self, message: Any) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        self._frames.put_nowait(Frame("text", text.encode()))
        await self.clock.settled()

    async def leave(self) -> None:
        self.closed = True
        self._frames.put_nowait(WebSocketDisconnect(1000, "", "client"))
        await self.clock.settled()

    async def start(self, query: str, id: str = "s1", headers: Any = None, **variables: Any) -> Any:
        data = json.dumps({"query": query, "variables": variables})
        extensions = {"authorization": WITH_KEY if headers is None else headers}
        before = len(self.heard)
        await self.say({"id": id, "type": "start", "payload": {"data": data, "extensions": extensions}})
        return self.frames[before] if len(self.heard) > before else None

    @property
    def frames(self) -> list[Any]:
        return [frame for _, frame in self.heard]

    def data(self, id: str | None = None) -> list[Any]:
        frames = [frame for frame in self.frames if frame["type"] == "data"]
        return [frame["payload"] for frame in frames if id is None or frame["id"] == id]


class World:
    """A service with its sandbox on the virtual clock."""

    def __init__(self, edge: SimpleNamespace, clock: Any, config: GraphqlApi) -> None:
        self.edge, self.clock = edge, clock
        self.sandbox = edge.new_sandbox(clock)
        self.apis = self.sandbox.control.resources.appsync = Apis(config)
        self.sandbox.control.credentials["AKIAUSER"] = Credential(
            "AKIAUSER", "secret", None, "arn:aws:iam::000000000000:user/me", policies=(ALL,), user_id="AIDAME"
        )
        principal = {"Service": "appsync.amazonaws.com"}
        allow = PolicyStatement("s", "Allow", principal, ("lambda:InvokeFunction",), FUNCTION, {})
        self.sandbox.control.resources.policies[("chat", None)] = (allow,)
        self.service = AppSyncService(self.sandbox)
        self.tasks: list[asyncio.Task[None]] = []

    async def post(
        self, query: str, headers: Any = None, status: int = 200, host: str = HOST, **variables: Any
    ) -> Any:
        """The JSON of an answer."""
        body = json.dumps({"query": query, "variables": variables})
        reply = await self.send(body, headers, host)
        assert reply.status == status, reply.body
        return json.loads(reply.body)

    async def send(self, body: str, headers: Any = None, host: str = HOST, method: str = "POST") -> Any:
        given = {"x-api-key": KEY} if headers is None else headers
        return await self.edge.request(
            self.service, self.clock, host, "/graphql", method, given, body.encode()
        )

    async def connect(
        self,
        header: Any = None,
        subprotocols: tuple[str, ...] = ("graphql-ws",),
        host: str = REALTIME,
        path: str = "/graphql",
        as_subprotocol: bool = False,
        init: bool = True,
    ) -> Socket:
        """A connection, acknowledged."""
        text = json.dumps(WITH_KEY if header is None else header).encode()
        query = b""
        if as_subprotocol:
            encoded = base64.urlsafe_b64encode(text).decode().rstrip("=")
            subprotocols = (*subprotocols, f"header-{encoded}")
        else:
            query = b"header=" + base64.b64encode(text) + b"&payload=e30="
        parameters = self.service.match(Address("GET", host, path, query.decode(), {}))
        assert parameters is not None
        socket = Socket(self.clock)
        scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "headers": [(b"host", host.encode())],
            "subprotocols": list(subprotocols),
            "client": ("127.0.0.1", 5000),
            "aws": parameters,
            "websocket": socket,
        }

        async def serve() -> None:
            await self.service(scope, _never, _never)

        self.tasks.append(asyncio.get_running_loop().create_task(serve()))
        await self.clock.settled()
        if init and not socket.heard:
            await socket.say({"type": "connection_init"})
        return socket

    async def end(self) -> None:
        await self.service.stop()
        for task in self.tasks:
            task.cancel()
        for error in await asyncio.gather(*self.tasks, return_exceptions=True):
            if isinstance(error, Exception):
                raise error


async def _never(*_: Any) -> Any:
    raise AssertionError("the WebSocket's frames are asked instead")


ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def play(
    edge: SimpleNamespace, script: Callable[[World], Awaitable[Any]], config: GraphqlApi | None = None
) -> Any:
    """Run a script on the virtual clock; gives what it returns."""

    async def main(clock: Any) -> Any:
        world = World(edge, clock, config or api())
        with clock.in_flight("test"):
            try:
                return await script(world)
            finally:
                await world.end()

    return edge.run(main)


@pytest.fixture
def appsync(edge: SimpleNamespace) -> SimpleNamespace:
    def play_here(script: Any, config: GraphqlApi | None = None) -> Any:
        return play(edge, script, config)

    return SimpleNamespace(
        play=play_here,
        api=api,
        resolver=resolver,
        direct=direct,
        mapped=mapped,
        HOST=HOST,
        REALTIME=REALTIME,
        ARN=ARN,
        FUNCTION=FUNCTION,
        KEY=KEY,
        WITH_KEY=WITH_KEY,
        SDL=SDL,
        ECHO=ECHO,
        AUTHORED=AUTHORED,
    )
