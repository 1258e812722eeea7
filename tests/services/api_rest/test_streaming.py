"""responseTransferMode STREAM: instants, limits, and what breaks it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.context import ConnectionAbort
from sandbox.services.api_rest import RestApiService
from sandbox.services.api_rest.streaming import Pacer

KIND = "application/vnd.awslambda.http-integration-response"
META = b'{"statusCode":201,"headers":{"content-type":"text/event-stream"},"cookies":["a=1"]}' + bytes(8)
INTERNAL = b'{"message": "Internal server error"}'


def streaming(
    rest: SimpleNamespace, timeout_ms: int = 900_000, endpoint: str = "REGIONAL", **changes: Any
) -> Any:
    uri = rest.URI.replace("2015-03-31", "2021-11-15").replace(
        "/invocations", "/response-streaming-invocations"
    )
    given = rest.integration(**({"transfer_mode": "STREAM", "timeout_ms": timeout_ms, "uri": uri} | changes))
    return rest.api(rest.resource("/chat", rest.method(integration=given)), endpoint_type=endpoint)


def streams(*steps: tuple[float, bytes], kind: str = KIND, error: str | None = None) -> Any:
    return lambda sandbox: sandbox.lambda_.streams(*steps, kind=kind, error=error)


def test_chunks_leave_at_their_instants(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    steps = (
        (2.0, META[:30]),
        (1.0, META[30:] + b"data: 0\n\n"),
        (40.0, b"data: 1\n\n"),
        (100.0, b"data: 2\n\n"),
    )
    reply, sandbox = rest.serve(edge, streaming(rest), streams(*steps))
    assert (reply.status, reply.started_at) == (201, 3.0)
    assert reply.chunks == [(3.0, b"data: 0\n\n"), (43.0, b"data: 1\n\n"), (143.0, b"data: 2\n\n")]
    assert reply.header("content-type") == "text/event-stream"
    assert reply.all("set-cookie") == ["a=1"]
    assert reply.header("content-length") is None
    assert reply.header("x-amz-apigw-id")
    assert rest.event_of(sandbox)["resource"] == "/chat"


def cut(edge: SimpleNamespace, rest: SimpleNamespace, config: Any, prepare: Any) -> Any:
    seen: list[Any] = []

    def keep(sandbox: Any) -> None:
        seen.append(sandbox)
        prepare(sandbox)

    with pytest.raises(ConnectionAbort) as caught:
        rest.serve(edge, config, keep)
    (event,) = seen[0].timeline.select("api_rest", "response_cut")
    return caught.value.reply, event  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("timeout_ms", "endpoint", "steps", "at", "reason"),
    [
        (900_000, "REGIONAL", ((0.0, META + b"a"), (301.0, b"b")), 300.0, "no byte for 300.0 s"),
        (900_000, "EDGE", ((0.0, META + b"a"), (31.0, b"b")), 30.0, "no byte for 30.0 s"),
        (900_000, "REGIONAL", ((0.0, META), *((200.0, b"x"),) * 5), 900.0, "over 900.0 s"),
        (60_000, "REGIONAL", ((0.0, META), *((25.0, b"x"),) * 5), 60.0, "over 60.0 s"),
    ],
)
def test_stream_is_cut_at_its_limits(
    edge: SimpleNamespace,
    rest: SimpleNamespace,
    timeout_ms: int,
    endpoint: str,
    steps: Any,
    at: float,
    reason: str,
) -> None:
    reply, event = cut(edge, rest, streaming(rest, timeout_ms, endpoint), streams(*steps))
    assert (event.at, event.data["error"], reply.ended_at) == (at, reason, None)


@pytest.mark.parametrize(("endpoint", "gap"), [("REGIONAL", 299.0), ("EDGE", 29.0)])
def test_stream_within_its_limits_is_whole(
    edge: SimpleNamespace, rest: SimpleNamespace, endpoint: str, gap: float
) -> None:
    reply, _ = rest.serve(
        edge, streaming(rest, endpoint=endpoint), streams((0.0, META), (gap, b"a"), (gap, b"b"))
    )
    assert (reply.body, reply.ended_at) == (b"ab", 2 * gap)


def test_no_first_byte_in_time_is_a_504(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    reply, _ = rest.serve(edge, streaming(rest, 29_000), streams((40.0, META)), wait=20)
    assert (reply.status, reply.ended_at) == (504, 29.0)
    assert reply.body == b'{"message": "Endpoint request timed out"}'


@pytest.mark.parametrize(
    "steps",
    [((0.0, b"no metadata"),), ((0.0, b"{}" + b" " * 16_384 + bytes(8)),), ((0.0, b"x" + bytes(8)),), ()],
)
def test_output_without_metadata_is_a_500(edge: SimpleNamespace, rest: SimpleNamespace, steps: Any) -> None:
    reply, _ = rest.serve(edge, streaming(rest), streams(*steps))
    assert (reply.status, reply.body) == (500, INTERNAL)


def test_metadata_may_end_at_16_kb(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    text = b"{}" + b" " * (16_384 - 10) + bytes(8)
    reply, _ = rest.serve(edge, streaming(rest), streams((0.0, text + b"ok")))
    assert (reply.status, reply.body) == (200, b"ok")


def test_function_that_fails_is_a_502_before_and_a_cut_after(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    reply, _ = rest.serve(edge, streaming(rest), streams((1.0, b"{"), error="Unhandled"))
    assert (reply.status, reply.body) == (502, INTERNAL)
    steps = ((1.0, META + b"half"),)
    reply, event = cut(edge, rest, streaming(rest), streams(*steps, error="Sandbox.Timedout"))
    assert (reply.body, event.data["error"]) == (b"half", "Sandbox.Timedout")


@pytest.mark.parametrize("changes", [{"type": "MOCK"}, {"uri": None}])
def test_pairs_that_do_not_go_together_are_a_500(
    edge: SimpleNamespace, rest: SimpleNamespace, changes: dict[str, Any]
) -> None:
    changes = {name: value or rest.URI for name, value in changes.items()}
    reply, _ = rest.serve(edge, streaming(rest, **changes))
    assert (reply.status, reply.body) == (500, INTERNAL)


def test_streaming_format_in_buffered_mode_loses_its_body(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    reply, _ = rest.serve(edge, None, rest.returns(META + b"payload"))
    assert (reply.status, reply.body) == (201, b"")
    assert reply.header("content-type") == "text/event-stream"


def test_rest_apis_did_not_stream_before_november_2025(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock, as_of=date(2025, 11, 18))
        sandbox.control.resources.apis[("api1", "prod")] = streaming(rest)
        return await edge.request(RestApiService(sandbox), clock, rest.HOST, "/prod/chat")

    reply = edge.run(main)
    assert reply.status == 500


def test_bytes_after_the_first_10_mb_are_paced(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    mb = 2**20
    steps = (
        (0.0, META),
        (0.0, bytes(9 * mb)),
        (0.0, bytes(2 * mb)),
        (0.0, bytes(2 * mb)),
        (9.0, bytes(2 * mb)),
    )
    reply, sandbox = rest.serve(edge, streaming(rest), streams(*steps))
    assert [at for at, _ in reply.chunks] == [0.0, 0.5, 1.5, 11.5]
    assert [event.data for event in sandbox.timeline.select("api_rest", "billed")] == [{"requests": 2}]


@pytest.mark.fact("1.34")
@pytest.mark.parametrize(("size", "requests"), [(1, 1), (10 * 2**20, 1), (10 * 2**20 + 1, 2)])
def test_each_10_mb_that_begin_are_a_request_on_the_bill(
    edge: SimpleNamespace, rest: SimpleNamespace, size: int, requests: int
) -> None:
    _, sandbox = rest.serve(edge, streaming(rest), streams((0.0, META), (0.0, bytes(size))))
    assert [event.data for event in sandbox.timeline.select("api_rest", "billed")] == [{"requests": requests}]


def test_pacer_counts_from_what_is_free() -> None:
    pacer = Pacer(100, 10)
    assert [pacer.wait(size, now) for size, now in ((60, 0), (50, 1), (20, 1), (10, 100))] == [0, 1, 3, 1]


def test_client_gone_ends_the_relay(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    steps = ((0.0, META + b"a"), (5.0, b"b"), (5.0, b"c"))
    reply, sandbox = rest.serve(edge, streaming(rest), streams(*steps), gone_after=1.0)
    assert (reply.body, reply.ended_at) == (b"a", None)
    assert [e.at for e in sandbox.timeline.select("api_rest", "client_gone")] == [1.0]


@pytest.mark.parametrize("whole", [True, False])
def test_http_endpoint_is_passed_on_as_it_comes(
    edge: SimpleNamespace, rest: SimpleNamespace, whole: bool
) -> None:
    async def main(clock: Any) -> Any:
        async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            for index in range(3):
                await asyncio.sleep(10)
                writer.write(b"9\r\ndata: %d\n\n\r\n" % index)
                await writer.drain()
            if whole:
                writer.write(b"0\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(endpoint, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        sandbox = edge.new_sandbox(clock)
        config = streaming(rest, type="HTTP_PROXY", uri=url, http_method="GET")
        sandbox.control.resources.apis[("api1", "prod")] = config
        service = RestApiService(sandbox)
        try:
            return await edge.request(service, clock, rest.HOST, "/prod/chat")
        finally:
            await service.stop()
            server.close()

    if whole:
        reply = edge.run(main)
    else:
        with pytest.raises(ConnectionAbort) as caught:
            edge.run(main)
        reply = caught.value.reply  # type: ignore[attr-defined]
    assert reply.chunks == [(10.0 * (i + 1), b"data: %d\n\n" % i) for i in range(3)]
    assert (reply.ended_at is not None) is whole


def test_refusal_of_lambda_is_a_500(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    from sandbox.aws.errors import AwsError

    failure = AwsError(429, "TooManyRequestsException", "Rate Exceeded.")
    reply, _ = rest.serve(edge, streaming(rest), lambda sandbox: sandbox.lambda_.raises(failure))
    assert (reply.status, json.loads(reply.body)) == (500, {"message": "Internal server error"})


@pytest.mark.fact("1.33")
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("STREAM", "STREAMED 201 2000 5000 12000 12000 3 -"),
        ("BUFFERED", "BUFFERED 200 - - 7000 7000 2 -"),
        ("LATE", "BUFFERED 504 - - 29000 29000 41 INTEGRATION_TIMEOUT"),
    ],
)
def test_access_log_tells_how_an_answer_came(
    edge: SimpleNamespace, rest: SimpleNamespace, mode: str, expected: str
) -> None:
    names = ("responseTransferMode", "status", "timeToAllHeaders", "timeToFirstContent", "latency")
    form = " ".join(f"$context.integration.{name}" for name in names)
    form = form.replace("$context.integration.status", "$context.status")
    form += " $context.responseLatency $context.responseLength $context.error.responseType"
    settings = {"destinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:calls", "format": form}
    lines: list[Any] = []

    def prepare(sandbox: Any) -> None:
        async def call(service: str, operation: str, **params: Any) -> Any:
            if operation == "PutLogEvents":
                lines.append((params["logGroupName"], [event["message"] for event in params["logEvents"]]))

        sandbox.control.call = call
        if mode == "STREAM":
            streams((2.0, META), (3.0, b"abc"), (7.0, b""))(sandbox)
        else:
            sandbox.lambda_.returns(
                b'{"statusCode":200,"body":"ok"}', after=7.0 if mode == "BUFFERED" else 60
            )

    config = streaming(rest) if mode == "STREAM" else rest.api()
    rest.serve(edge, replace(config, access_log=settings), prepare, wait=1.0)
    assert lines == [("calls", [expected])]
