"""The Runtime and Extensions APIs on the wire, without any process: states, errors, connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import h11
import pytest

from sandbox import clock as clocks
from sandbox.services.lambda_.channel import Bandwidth
from sandbox.services.lambda_.execution import Execution, ResponseLimits
from sandbox.services.lambda_.runtime_api.extensions import Extensions
from sandbox.services.lambda_.runtime_api.http import Server
from sandbox.services.lambda_.runtime_api.router import route
from sandbox.services.lambda_.runtime_api.session import Session

RUNTIME = "/2018-06-01/runtime/"
EXTENSION = "/2020-01-01/extension/"
IDS = (f"00000000-0000-4000-8000-{n:012}" for n in range(10**6))


class Client:
    """A runtime's connection."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.h11 = h11.Connection(h11.CLIENT)

    async def __aenter__(self) -> Client:
        host, _, port = self.address.partition(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    def send(self, *events: Any) -> None:
        for event in events:
            self.writer.write(self.h11.send(event) or b"")

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        body, head = b"", None
        while True:
            event = self.h11.next_event()
            if event is h11.NEED_DATA:
                self.h11.receive_data(await self.reader.read(65536))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                assert isinstance(event, h11.EndOfMessage), event
                self.h11.start_next_cycle()
                assert head is not None
                return head.status_code, {k.decode(): v.decode() for k, v in head.headers}, body

    def start(self, method: str, path: str, headers: dict[str, str] | None = None) -> None:
        self.send(h11.Request(method=method, target=path, headers=[("Host", "x"), *(headers or {}).items()]))

    async def call(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None):
        self.start(method, path, {**(headers or {}), "Content-Length": str(len(body))})
        self.send(h11.Data(data=body), h11.EndOfMessage())
        return await self.answer()


class Api:
    """A session behind a server."""

    def __init__(self, session: Session, server: Server) -> None:
        self.session = session
        self.server = server

    def client(self) -> Client:
        return Client(self.server.address)

    async def invoke(self, payload: bytes = b"{}", streamed: bool = False) -> Execution:
        bandwidth = Bandwidth(10**6, 10**6) if streamed else None
        limits = ResponseLimits(100, 1000, "Function.ResponseSizeTooLarge", "more than {limit}")
        execution = Execution(next(IDS), payload, "arn", "Root=1", None, limits, bandwidth, deadline_ms=5)
        self.session.begin(execution)
        await self.session.announce()
        return execution


def serve(main: Callable[[Api], Awaitable[None]], external: tuple[str, ...] = ()) -> None:
    class Function:
        name, version, handler = "f", "7", "h"

    async def body(clock: clocks.Clock) -> None:
        extensions = Extensions(external, lambda: next(IDS))
        session = Session(Function, "123", extensions, lambda: next(IDS), lambda *_: None)  # type: ignore[arg-type]
        server = Server(lambda request: route(session, request))
        await server.start()
        with clock.in_flight("test"):
            await main(Api(session, server))
        server.stop()

    clocks.run(body)


def error(type_: str, message: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": type_}, separators=(",", ":")).encode() + b"\n"


def test_runtime_next_waits_for_an_invocation_and_gives_its_headers():
    async def main(api: Api) -> None:
        async with api.client() as client:
            call = asyncio.ensure_future(client.call("GET", RUNTIME + "invocation/next"))
            assert await api.session.phase is None
            await asyncio.sleep(3600)
            assert not call.done()
            execution = await api.invoke(b'{"a":1}')
            status, headers, body = await call
            assert (status, body) == (200, b'{"a":1}')
            assert headers["lambda-runtime-aws-request-id"] == execution.request_id
            assert headers["lambda-runtime-deadline-ms"] == "5"
            assert headers["lambda-runtime-invoked-function-arn"] == "arn"
            assert headers["lambda-runtime-trace-id"] == "Root=1"
            path = f"{RUNTIME}invocation/{execution.request_id}/response"
            assert (await client.call("POST", path, b'"x"'))[::2] == (202, b'{"status":"OK"}\n')
            assert await execution.channel.read_all() == b'"x"'

    serve(main)


@pytest.mark.parametrize(
    ("path", "source", "target"),
    [
        ("init/error", "Running", "InitError"),
        ("invocation/{id}/response", "RuntimeResponseSentState", "InvocationResponse"),
        ("invocation/{id}/error", "RuntimeResponseSentState", "InvocationErrorResponse"),
    ],
)
def test_a_forbidden_transition_is_a_403_that_names_both_states(path, source, target):
    async def main(api: Api) -> None:
        async with api.client() as client:
            call = asyncio.ensure_future(client.call("GET", RUNTIME + "invocation/next"))
            await api.session.phase
            execution = await api.invoke()
            await call
            if source != "Running":
                await client.call("POST", f"{RUNTIME}invocation/{execution.request_id}/response", b"1")
            answer = await client.call("POST", RUNTIME + path.format(id=execution.request_id), b"{}")
            text = (
                f"State transition from {source} to {target} failed for runtime. "
                "Error: State transition is not allowed"
            )
            assert answer[::2] == (403, error("InvalidStateTransition", text))

    serve(main)


def test_runtime_response_to_an_unknown_request_is_a_400():
    async def main(api: Api) -> None:
        async with api.client() as client:
            call = asyncio.ensure_future(client.call("GET", RUNTIME + "invocation/next"))
            await api.session.phase
            execution = await api.invoke()
            await call
            answer = await client.call("POST", RUNTIME + "invocation/other/response", b"1")
            assert answer[::2] == (400, error("InvalidRequestID", "Invalid request ID"))
            path = f"{RUNTIME}invocation/{execution.request_id}/response"
            assert (await client.call("POST", path, b"1"))[0] == 202

    serve(main)


def test_a_response_over_the_limit_is_a_413_and_the_callers_error():
    async def main(api: Api) -> None:
        async with api.client() as client:
            call = asyncio.ensure_future(client.call("GET", RUNTIME + "invocation/next"))
            await api.session.phase
            execution = await api.invoke()
            await call
            path = f"{RUNTIME}invocation/{execution.request_id}/response"
            answer = await client.call("POST", path, b"x" * 101)
            text = "Exceeded maximum allowed payload size (100 bytes)."
            assert answer[::2] == (413, error("RequestEntityTooLarge", text))
            assert execution.channel.fault is not None
            assert json.loads(execution.channel.fault.payload) == {
                "errorType": "Function.ResponseSizeTooLarge",
                "errorMessage": "more than 100",
            }
            again = asyncio.ensure_future(client.call("GET", RUNTIME + "invocation/next"))
            assert await api.session.phase is None  # the environment goes on
            again.cancel()

    serve(main)


def test_chunks_are_passed_on_before_the_stream_ends_and_trailers_are_the_error():
    async def main(api: Api) -> None:
        async with api.client() as client:
            call = asyncio.ensure_future(client.call("GET", RUNTIME + "invocation/next"))
            await api.session.phase
            execution = await api.invoke(streamed=True)
            await call
            client.start(
                "POST",
                f"{RUNTIME}invocation/{execution.request_id}/response",
                {
                    "Lambda-Runtime-Function-Response-Mode": "streaming",
                    "Transfer-Encoding": "chunked",
                    "Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
                },
            )
            chunks = execution.channel.chunks()
            for text in (b"one", b"two"):
                client.send(h11.Data(data=text))
                assert await anext(chunks) == text
            trailers = [
                ("Lambda-Runtime-Function-Error-Type", "Runtime.Mine"),
                ("Lambda-Runtime-Function-Error-Body", "eyJlcnJvclR5cGUiOiJNaW5lIn0="),
            ]
            client.send(h11.EndOfMessage(headers=trailers))
            assert (await client.answer())[0] == 202
            assert execution.channel.fault is not None
            assert execution.channel.fault.payload == b'{"errorType":"Mine"}'

    serve(main)


def test_a_question_for_more_that_overtakes_the_failed_stream_waits_for_it():
    async def main(api: Api) -> None:
        async with api.client() as polls, api.client() as posts:
            call = asyncio.ensure_future(polls.call("GET", RUNTIME + "invocation/next"))
            await api.session.phase
            execution = await api.invoke(streamed=True)
            await call
            early = asyncio.ensure_future(polls.call("GET", RUNTIME + "invocation/next"))
            await asyncio.sleep(0.01)
            path = f"{RUNTIME}invocation/{execution.request_id}/response"
            mode = {"Lambda-Runtime-Function-Response-Mode": "streaming"}
            assert (await posts.call("POST", path, b"late", mode))[0] == 202
            assert await api.session.phase is None
            second = await api.invoke()
            assert (await early)[1]["lambda-runtime-aws-request-id"] == second.request_id

    serve(main)


def test_asking_again_without_an_answer_gives_the_same_invocation_again():
    async def main(api: Api) -> None:
        async with api.client() as client:
            call = asyncio.ensure_future(client.call("GET", RUNTIME + "invocation/next"))
            await api.session.phase
            execution = await api.invoke(b"5")
            await call
            _, headers, body = await client.call("GET", RUNTIME + "invocation/next")
            assert (headers["lambda-runtime-aws-request-id"], body) == (execution.request_id, b"5")

    serve(main)


@pytest.mark.parametrize("leaver", [0, 1])
def test_an_invocation_is_not_handed_to_a_client_that_has_gone(leaver):
    async def main(api: Api) -> None:
        clients = [api.client(), api.client()]
        calls = []
        for client in clients:
            await client.__aenter__()
            calls.append(asyncio.ensure_future(client.call("GET", RUNTIME + "invocation/next")))
            await asyncio.sleep(1)
        calls[leaver].cancel()
        await clients[leaver].__aexit__()
        await asyncio.sleep(1)
        execution = await api.invoke()
        answer = await calls[1 - leaver]
        assert answer[1]["lambda-runtime-aws-request-id"] == execution.request_id
        await clients[1 - leaver].__aexit__()

    serve(main)


def test_a_response_mode_that_is_not_streaming_is_refused():
    async def main(api: Api) -> None:
        async with api.client() as client:
            call = asyncio.ensure_future(client.call("GET", RUNTIME + "invocation/next"))
            await api.session.phase
            execution = await api.invoke()
            await call
            path = f"{RUNTIME}invocation/{execution.request_id}/response"
            answer = await client.call("POST", path, b"1", {"Lambda-Runtime-Function-Response-Mode": "odd"})
            assert answer[::2] == (
                400,
                error("InvalidFunctionResponseMode", "Invalid function response mode"),
            )

    serve(main)


def test_init_error_ends_the_initialization_with_the_runtimes_own_words():
    async def main(api: Api) -> None:
        async with api.client() as client:
            headers = {"Lambda-Runtime-Function-Error-Type": "Runtime.Mine"}
            assert (await client.call("POST", RUNTIME + "init/error", b'{"x":1}', headers))[0] == 202
            fault = await api.session.phase
            assert fault is not None
            assert (fault.type, fault.payload) == ("Runtime.Mine", b'{"x":1}')

    serve(main)


@pytest.mark.parametrize(
    ("path", "headers", "body", "type_", "message"),
    [
        ("register", {}, b"{}", "Extension.InvalidExtensionName", "Empty extension name"),
        ("register", {"Lambda-Extension-Name": "e"}, b'{"events":["SHUTDOWN"]}', "Extension.InvalidEventType",
         "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"),
        ("event/next", {}, b"", "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"),
        ("event/next", {"Lambda-Extension-Identifier": "x"}, b"", "Extension.InvalidExtensionIdentifier",
         "Invalid Lambda-Extension-Identifier"),
        ("event/next", {"Lambda-Extension-Identifier": "00000000-0000-4000-8000-ffffffffffff"}, b"",
         "Extension.UnknownExtensionIdentifier", "Unknown extension 00000000-0000-4000-8000-ffffffffffff"),
    ],
)  # fmt: skip
def test_the_extensions_api_refuses_what_does_not_fit(path, headers, body, type_, message):
    async def main(api: Api) -> None:
        async with api.client() as client:
            method = "POST" if path == "register" else "GET"
            answer = await client.call(method, EXTENSION + path, body, headers)
            assert answer[::2] == (403, error(type_, message))

    serve(main)


def test_an_internal_extension_gets_invocations_and_holds_the_environment_awake():
    async def main(api: Api) -> None:
        async with api.client() as runtime, api.client() as extension:
            name = {"Lambda-Extension-Name": "inside", "Lambda-Extension-Accept-Feature": "accountId"}
            status, headers, body = await extension.call(
                "POST", EXTENSION + "register", b'{"events":["INVOKE"]}', name
            )
            assert (status, json.loads(body)["accountId"]) == (200, "123")
            me = {"Lambda-Extension-Identifier": headers["lambda-extension-identifier"]}
            call = asyncio.ensure_future(runtime.call("GET", RUNTIME + "invocation/next"))
            await asyncio.sleep(1)
            assert not api.session.phase.done()  # it has not said that it is ready
            event = asyncio.ensure_future(extension.call("GET", EXTENSION + "event/next", headers=me))
            await api.session.phase
            execution = await api.invoke()
            await call
            assert json.loads((await event)[2])["requestId"] == execution.request_id
            path = f"{RUNTIME}invocation/{execution.request_id}/response"
            await runtime.call("POST", path, b"1")
            again = asyncio.ensure_future(runtime.call("GET", RUNTIME + "invocation/next"))
            await asyncio.sleep(1)
            assert not api.session.phase.done()
            more = asyncio.ensure_future(extension.call("GET", EXTENSION + "event/next", headers=me))
            assert await api.session.phase is None
            assert not again.done()
            assert not more.done()

    serve(main)


def test_unknown_paths_and_unsupported_apis_answer_as_the_emulator_of_aws_does():
    async def main(api: Api) -> None:
        async with api.client() as client:
            assert (await client.call("GET", "/2018-06-01/nothing"))[0] == 404
            answer = await client.call("PUT", "/2022-07-01/telemetry", b"{}")
            assert answer[::2] == (202, error("Telemetry.NotSupported", "Telemetry API is not supported"))

    serve(main)
