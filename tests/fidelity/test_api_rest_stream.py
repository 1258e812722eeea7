"""Proofs of the rows about REST APIs that stream: httpx over loopback, real handlers, virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.aws.errors import AwsError

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

Pieces = list[tuple[float, bytes]]


async def read(world: World, api: str, **ask: Any) -> tuple[httpx.Response, Pieces, Exception | None]:
    """An answer as it came: what came how many seconds after the request, and how it broke off."""
    began, pieces, broke = world.clock.now(), [], None
    async with world.http.stream("POST", f"{api}/chat", json=ask) as answer:
        try:
            async for piece in answer.aiter_raw():
                pieces.append((world.clock.now() - began, piece))
        except httpx.RemoteProtocolError as error:
            broke = error
    return answer, pieces, broke


@pytest.mark.fact("1.20", "1.21", "1.26")
def test_pieces_come_when_they_are_written_beyond_29_seconds(play: Play) -> None:
    async def main(world: World) -> None:
        await world.pieces("f", Timeout=900)
        answer, pieces, broke = await read(world, await world.rest_stream("f"), n=5, gap=10)
        assert (answer.status_code, broke) == (200, None)
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["transfer-encoding"] == "chunked"
        assert [piece for _, piece in pieces] == [b"data: %d\n\n" % n for n in range(5)]
        assert [at for at, _ in pieces] == pytest.approx([10, 20, 30, 40, 50], abs=1e-6)

    play(main)


@pytest.mark.fact("1.21")
def test_an_edge_optimized_api_streams_too(play: Play) -> None:
    async def main(world: World) -> None:
        await world.pieces("f", Timeout=60)
        _, pieces, broke = await read(world, await world.rest_stream("f", endpoint="EDGE"), n=4, gap=10)
        assert (len(pieces), broke) == (4, None)

    play(main)


@pytest.mark.fact("1.22")
def test_a_stream_ends_at_15_minutes_without_its_last_chunk(play: Play) -> None:
    async def main(world: World) -> None:
        await world.pieces("f", Timeout=900)
        api = await world.rest_stream("f")
        began = world.clock.now()
        answer, pieces, broke = await read(world, api, n=4, gap=250)
        assert answer.status_code == 200
        assert [at for at, _ in pieces] == pytest.approx([250, 500, 750], abs=1e-6)
        assert broke is not None
        assert world.clock.now() - began == pytest.approx(900, abs=1e-3)

    play(main)


@pytest.mark.fact("1.22", "1.30")
def test_a_shorter_timeout_bounds_the_whole_stream(play: Play) -> None:
    async def main(world: World) -> None:
        await world.pieces("f", Timeout=900)
        began = world.clock.now()
        api = await world.rest_stream("f", timeoutInMillis=35_000)
        _, pieces, broke = await read(world, api, n=5, gap=10)
        assert [at for at, _ in pieces] == pytest.approx([10, 20, 30], abs=1e-6)
        assert broke is not None
        assert world.clock.now() - began == pytest.approx(35, abs=1e-6)
        with pytest.raises(AwsError):
            await world.rest_stream("f", timeoutInMillis=900_001)

    play(main)


THEN_SILENCE = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, {statusCode: 200});
  stream.write("at once");
  await new Promise((resolve) => setTimeout(resolve, JSON.parse(event.body).gap * 1000));
  stream.end("late");
});
"""


@pytest.mark.fact("1.23")
@pytest.mark.parametrize(("endpoint", "idle"), [("REGIONAL", 300), ("EDGE", 30)])
def test_silence_cuts_a_stream(play: Play, endpoint: str, idle: int) -> None:
    async def main(world: World) -> None:
        await world.node("f", THEN_SILENCE, Timeout=900)
        api = await world.rest_stream("f", endpoint=endpoint)
        _, pieces, broke = await read(world, api, gap=idle - 1)
        assert pieces == [(0, b"at once"), (pytest.approx(idle - 1, abs=1e-6), b"late")]
        assert broke is None
        began = world.clock.now()
        answer, pieces, broke = await read(world, api, gap=idle + 1)
        assert (answer.status_code, [piece for _, piece in pieces]) == (200, [b"at once"])
        assert broke is not None
        assert world.clock.now() - began == pytest.approx(idle, abs=1e-6)

    play(main)


@pytest.mark.fact("1.31")
def test_a_first_byte_that_is_late_is_a_504(play: Play) -> None:
    async def main(world: World) -> None:
        await world.pieces("f", Timeout=60)
        began = world.clock.now()
        answer, _, _ = await read(world, await world.rest_stream("f", timeoutInMillis=20_000), n=1, gap=30)
        # The metadata comes with the first write.
        assert (answer.status_code, world.clock.now() - began) == (504, pytest.approx(20, abs=1e-6))

    play(main)


@pytest.mark.fact("1.25")
def test_a_stream_is_neither_compressed_nor_changed_nor_kept(play: Play) -> None:
    async def main(world: World) -> None:
        await world.pieces("f", Timeout=60)
        api = await world.rest_stream("f")
        api_id = api.split("/")[-2]
        compress = [{"op": "replace", "path": "/minimumCompressionSize", "value": "0"}]
        await world.aws("apigateway", "UpdateRestApi", restApiId=api_id, patchOperations=compress)
        resources = (await world.aws("apigateway", "GetResources", restApiId=api_id))["items"]
        chat = next(one["id"] for one in resources if one["path"] == "/chat")
        at = {"restApiId": api_id, "resourceId": chat, "httpMethod": "POST", "statusCode": "200"}
        await world.aws("apigateway", "PutMethodResponse", **at)
        templates = {"text/event-stream": "changed", "application/json": "changed"}
        await world.aws("apigateway", "PutIntegrationResponse", **at, responseTemplates=templates)
        cached = [{"op": "replace", "path": "/cacheClusterEnabled", "value": "true"}]
        cached.append({"op": "replace", "path": "/~1chat/POST/caching/enabled", "value": "true"})
        await world.aws(
            "apigateway", "UpdateStage", restApiId=api_id, stageName="prod", patchOperations=cached
        )
        await world.aws("apigateway", "CreateDeployment", restApiId=api_id, stageName="prod")
        world.http.headers["accept-encoding"] = "gzip"
        for _ in range(2):  # the second answer is no copy of the first
            answer, pieces, broke = await read(world, api, n=3, gap=1)
            assert "content-encoding" not in answer.headers
            assert [piece for _, piece in pieces] == [b"data: %d\n\n" % n for n in range(3)]
            assert broke is None
        assert len(world.events("invoked")) == 2

    play(main)


@pytest.mark.fact("1.24")
def test_a_stream_is_slowed_after_10_mib(play: Play) -> None:
    async def main(world: World) -> None:
        await world.pieces("f", Timeout=900)
        _, pieces, broke = await read(world, await world.rest_stream("f"), n=14, gap=0, size=2**20)
        assert sum(len(piece) for _, piece in pieces) == 14 * 2**20
        assert broke is None
        # Lambda slows after 6 MiB, API Gateway after 10: both to 2 MiB/s, so the last byte is 4 s late.
        assert pieces[-1][0] == pytest.approx(4, abs=0.1)

    play(main)


@pytest.mark.fact("1.27", "1.28")
@pytest.mark.parametrize(
    "source",
    [
        "stream.write('no metadata'); stream.end();",
        "stream.write('A'.repeat(20000) + '\\\\0'.repeat(8) + 'late'); stream.end();",
    ],
)
def test_output_without_metadata_is_a_500(play: Play, source: str) -> None:
    handler = f"export const handler = awslambda.streamifyResponse(async (event, stream) => {{ {source} }});"

    async def main(world: World) -> None:
        await world.node("f", handler)
        answer, _, _ = await read(world, await world.rest_stream("f"))
        assert answer.status_code == 500
        assert len(world.events("invoked")) == 1

    play(main)


@pytest.mark.fact("1.29")
def test_streaming_output_through_a_buffered_integration_has_no_body(play: Play) -> None:
    async def main(world: World) -> None:
        await world.pieces("f")
        answer, pieces, _ = await read(world, await world.rest_api("f"), n=1, gap=0)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        assert pieces == []

    play(main)
