"""Proofs of the rows about Function URLs: httpx over loopback, real handlers, virtual time."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

SSE_PYTHON = """
import time
def handler(event, context):
    lines = []
    for n in range(4):
        time.sleep(10)
        lines.append(f"data: {n}\\n\\n")
    return {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "body": "".join(lines)}
"""
SSE_NODE = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, {
    statusCode: 201, headers: {"content-type": "text/event-stream"}, cookies: ["a=b"],
  });
  for (let n = 0; n < 4; n++) {
    await new Promise((resolve) => setTimeout(resolve, 10000));
    stream.write(`data: ${n}\\n\\n`);
  }
  stream.end();
});
"""
ECHO = "import json\ndef handler(event, context):\n    return json.dumps(event)\n"
FORBIDDEN = (
    '{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: '
    'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}'
)


@pytest.mark.fact("4.7", "4.13")
def test_a_url_buffers_unless_told_otherwise(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SSE_PYTHON, Timeout=60)
        made = await world.aws("lambda", "CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
        assert made["InvokeMode"] == "BUFFERED"
        await world.aws("lambda", "DeleteFunctionUrlConfig", FunctionName="f")
        pieces = await world.arrivals(await world.url("f"))
        assert b"".join(piece for _, piece in pieces) == b"data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\n"
        assert [at for at, _ in pieces] == pytest.approx([40] * len(pieces), abs=1e-6)

    play(main)


@pytest.mark.fact("4.7", "4.13", "4.19")
def test_a_streaming_url_sends_each_write_when_it_is_written(play: Play) -> None:
    async def main(world: World) -> None:
        await world.node("f", SSE_NODE, Timeout=60)
        url = await world.url("f", "RESPONSE_STREAM")
        pieces = await world.arrivals(url)
        assert [piece for _, piece in pieces] == [b"data: %d\n\n" % n for n in range(4)]
        assert [at for at, _ in pieces] == pytest.approx([10, 20, 30, 40], abs=1e-6)
        async with world.http.stream("GET", url) as answer:
            assert answer.status_code == 201
            assert answer.headers["content-type"] == "text/event-stream"
            assert answer.headers["transfer-encoding"] == "chunked"
            assert answer.headers["set-cookie"] == "a=b"

    play(main)


@pytest.mark.fact("4.8")
def test_the_event_has_payload_format_2(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        url = await world.url("f")
        request = {
            "headers": {"X-One": "1", "Cookie": "a=b; c=d", "Content-Type": "application/json"},
            "content": b'{"q": 1}',
        }
        event = (await world.http.post(url + "a/b%20c?x=1&x=2&y=", **request)).json()
        assert (event["version"], event["routeKey"], event["isBase64Encoded"]) == ("2.0", "$default", False)
        assert event["rawQueryString"] == "x=1&x=2&y="
        assert event["queryStringParameters"] == {"x": "1,2", "y": ""}
        assert event["cookies"] == ["a=b", "c=d"]
        assert event["headers"]["x-one"] == "1"
        assert event["body"] == '{"q": 1}'
        context = event["requestContext"]
        assert (context["accountId"], context["stage"]) == ("anonymous", "$default")
        assert context["http"]["method"] == "POST"
        assert context["domainName"].endswith(".lambda-url.us-east-1.on.aws")
        assert context["domainPrefix"] == context["apiId"]

    play(main)


@pytest.mark.fact("4.9")
@pytest.mark.parametrize(
    ("returned", "status", "kind", "body"),
    [
        ("{'a': 1}", 200, "application/json", b'{"a":1}'),
        ("'text'", 200, "application/json", b"text"),
        ("{'statusCode': 418, 'body': 'x', 'headers': {'content-type': 'a/b'}}", 418, "a/b", b"x"),
        ("{'statusCode': 200, 'body': 'eA==', 'isBase64Encoded': True}", 200, "application/json", b"x"),
    ],
)
def test_what_a_buffered_answer_means(play: Play, returned: str, status: int, kind: str, body: bytes) -> None:
    async def main(world: World) -> None:
        await world.python("f", f"def handler(event, context):\n    return {returned}\n")
        answer = await world.http.get(await world.url("f"))
        assert (answer.status_code, answer.headers["content-type"], answer.content) == (status, kind, body)

    play(main)


@pytest.mark.fact("4.10", "4.11")
def test_a_public_url_with_one_permission_is_forbidden_today(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        answer = await world.http.get(await world.url("f", invoke_permission=False))
        assert (answer.status_code, answer.text) == (403, FORBIDDEN)
        assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"
        assert answer.headers["content-type"] == "application/json"
        assert "x-amzn-requestid" in answer.headers
        assert world.events("invoked") == []

    play(main)


@pytest.mark.fact("4.11")
def test_one_permission_was_enough_until_october_2025(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        assert (await world.http.get(await world.url("f", invoke_permission=False))).status_code == 200

    play(main, as_of=date(2025, 9, 30))


@pytest.mark.fact("4.10")
def test_an_unsigned_request_to_a_signed_url_is_forbidden(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        answer = await world.http.get(await world.url("f", auth="AWS_IAM"))
        assert (answer.status_code, answer.text) == (403, FORBIDDEN)

    play(main)


@pytest.mark.fact("4.10")
def test_an_unknown_url_is_forbidden_with_null(play: Play) -> None:
    async def main(world: World) -> None:
        unknown = "a" * 32
        answer = await world.http.get(f"{world.sandbox.endpoint}/_aws/lambda-url/{unknown}/")
        assert (answer.status_code, answer.text) == (403, '{"Message":null}')

    play(main)


@pytest.mark.fact("4.10")
@pytest.mark.parametrize("body", ["raise ValueError('no')", "import time; time.sleep(10)"])
def test_a_failing_function_is_a_502_with_plain_words(play: Play, body: str) -> None:
    async def main(world: World) -> None:
        await world.python("f", f"def handler(event, context):\n    {body}\n")
        answer = await world.http.get(await world.url("f"))
        assert (answer.status_code, answer.text) == (502, "Internal Server Error")

    play(main)


@pytest.mark.fact("4.10")
def test_reserved_concurrency_0_switches_a_url_off(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        url = await world.url("f")
        put = {"FunctionName": "f", "ReservedConcurrentExecutions": 0}
        await world.aws("lambda", "PutFunctionConcurrency", **put)
        answer = await world.http.get(url)
        assert answer.status_code == 429
        assert answer.text == (
            '{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User",'
            '"message":"Rate Exceeded."}'
        )

    play(main)


@pytest.mark.fact("4.2")
def test_a_request_of_7_mb_is_refused_before_the_function(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        answer = await world.http.post(await world.url("f"), content=b"A" * 7_000_000)
        assert answer.status_code == 413
        assert answer.headers["x-amzn-errortype"] == "RequestEntityTooLargeException"
        assert answer.json() == {
            "Message": "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
        }
        assert world.events("invoked") == []

    play(main)


@pytest.mark.fact("4.14")
def test_a_client_that_leaves_does_not_stop_the_function(play: Play) -> None:
    async def main(world: World) -> None:
        await world.node("f", SSE_NODE, Timeout=60)
        url = await world.url("f", "RESPONSE_STREAM")
        async with world.http.stream("GET", url) as answer:
            async for _ in answer.aiter_raw():
                break
        left = world.clock.now()
        await world.clock.advance(60)
        [ended] = world.events("invocation_ended")
        assert ended.at - left == pytest.approx(30, abs=1e-6)
        assert ended.data["billed_ms"] >= 40_000

    play(main)


@pytest.mark.fact("4.16")
def test_a_timeout_in_mid_stream_leaves_the_200_and_a_body_without_its_end(play: Play) -> None:
    async def main(world: World) -> None:
        await world.node("f", SSE_NODE.replace("201", "200"), Timeout=25)
        url, began, pieces = await world.url("f", "RESPONSE_STREAM"), world.clock.now(), []

        async def read(answer: httpx.Response) -> None:
            async for piece in answer.aiter_raw():
                pieces.append(piece)

        async with world.http.stream("GET", url) as answer:
            with pytest.raises(httpx.RemoteProtocolError):
                await read(answer)
            assert answer.status_code == 200
        assert pieces == [b"data: 0\n\n", b"data: 1\n\n"]
        assert world.clock.now() - began == pytest.approx(25, abs=1e-6)

    play(main)


@pytest.mark.fact("4.12")
def test_a_python_handler_does_not_stream_through_a_streaming_url(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SSE_PYTHON, Timeout=60)
        pieces = await world.arrivals(await world.url("f", "RESPONSE_STREAM"))
        assert [at for at, _ in pieces] == pytest.approx([40] * len(pieces), abs=1e-6)
        assert json.loads(b"".join(piece for _, piece in pieces))["statusCode"] == 200  # not taken apart

    play(main)


@pytest.mark.fact("4.7")
def test_there_was_no_streaming_url_before_april_2023(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        answer = await world.http.get(await world.url("f", "RESPONSE_STREAM"))
        assert answer.status_code >= 400
        assert "2023-03-31" in answer.text

    play(main, as_of=date(2023, 3, 31))
