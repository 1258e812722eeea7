"""Proofs of the rows about REST APIs: httpx over loopback, real handlers, virtual time."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.aws.errors import AwsError

if TYPE_CHECKING:
    import httpx

    from tests.fidelity.conftest import Play, World

SLEEP = """
import json, time
def handler(event, context):
    time.sleep(json.loads(event["body"])["s"])
    return {"statusCode": 200, "body": "done"}
"""
QUOTA = "api_rest.integration_timeout.max_without_quota"
TIMED_OUT = b'{"message": "Endpoint request timed out"}'


async def ask(world: World, api: str, seconds: float) -> tuple[httpx.Response, float]:
    """An answer, and how long it took."""
    began = world.clock.now()
    answer = await world.http.post(f"{api}/chat", json={"s": seconds})
    return answer, world.clock.now() - began


@pytest.mark.fact("1.1", "1.5", "4.14")
def test_the_default_timeout_is_29_seconds_and_the_function_runs_on(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP, Timeout=60)
        api = await world.rest_api("f")
        answer, took = await ask(world, api, 28.999)
        assert (answer.status_code, answer.text) == (200, "done")
        assert took == pytest.approx(28.999, abs=1e-6)
        answer, took = await ask(world, api, 40)
        assert took == pytest.approx(29, abs=1e-6)
        assert (answer.status_code, answer.content) == (504, TIMED_OUT)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["content-length"] == "41"
        assert answer.headers["x-amzn-errortype"] == "InternalServerErrorException"
        assert {"x-amzn-requestid", "x-amz-apigw-id"} <= set(answer.headers)
        await world.clock.advance(60)
        ended = world.events("invocation_ended")[-1]
        assert ended.data["duration_ms"] == pytest.approx(40_000, abs=1)
        assert ended.data["billed_ms"] >= 40_000

    play(main)


@pytest.mark.fact("1.1")
def test_a_shorter_timeout_strikes_at_its_instant(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP, Timeout=60)
        answer, took = await ask(world, await world.rest_api("f", timeoutInMillis=50), 1)
        assert (answer.status_code, took) == (504, pytest.approx(0.05, abs=1e-6))

    play(main)


@pytest.mark.fact("1.1")
@pytest.mark.parametrize("timeout", [49, 29_001])
def test_a_timeout_out_of_range_is_refused(play: Play, timeout: int) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP)
        with pytest.raises(AwsError) as caught:
            await world.rest_api("f", timeoutInMillis=timeout)
        assert (caught.value.status, caught.value.code) == (400, "BadRequestException")
        assert caught.value.message == "Timeout should be between 50 ms and 29000 ms"

    play(main)


@pytest.mark.fact("1.2")
def test_a_raised_quota_lets_a_regional_api_wait(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP, Timeout=400)
        api = await world.rest_api("f", timeoutInMillis=300_000)
        answer, took = await ask(world, api, 299)
        assert (answer.status_code, took) == (200, pytest.approx(299, abs=1e-6))
        answer, took = await ask(
            world, await world.rest_api("f", timeoutInMillis=300_000, permission=False), 301
        )
        assert (answer.status_code, took) == (504, pytest.approx(300, abs=1e-6))

    play(main, overrides={QUOTA: 300})


@pytest.mark.fact("1.2")
def test_a_raised_quota_does_not_reach_an_edge_optimized_api(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP)
        with pytest.raises(AwsError, match="Timeout should be between 50 ms and 29000 ms"):
            await world.rest_api("f", endpoint="EDGE", timeoutInMillis=30_000)

    play(main, overrides={QUOTA: 300})


@pytest.mark.fact("1.4")
def test_a_request_over_10_mib_is_refused_in_plain_text(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP)
        api = await world.rest_api("f")
        answer = await world.http.post(f"{api}/chat", content=b"A" * (10 * 2**20 + 1))
        assert (answer.status_code, answer.text) == (413, "HTTP content length exceeded 10485760 bytes.")
        assert answer.headers["content-type"].startswith("text/plain")
        assert world.events("invoked") == []

    play(main)


@pytest.mark.fact("1.11")
def test_headers_over_10_kib_are_refused_in_plain_text(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", "def handler(event, context): return {'statusCode': 200, 'body': 'ok'}")
        api = await world.rest_api("f")

        async def ask(size: int) -> tuple[int, str]:
            """With a cookie that makes all headers together so large."""
            request = world.http.build_request("POST", f"{api}/chat", headers={"cookie": ""})
            others = sum(len(name) + len(value) + 2 for name, value in request.headers.raw)
            request.headers["cookie"] = "a" * (size - others)
            answer = await world.http.send(request)
            return answer.status_code, answer.text

        assert await ask(10_240) == (200, "ok")
        assert await ask(10_241) == (431, "HTTP header is larger than 10240 bytes.")
        assert len(world.events("invoked")) == 1

    play(main)


@pytest.mark.fact("1.4")
def test_a_request_over_lambdas_6_mib_is_refused_as_json(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP)
        api = await world.rest_api("f")
        answer = await world.http.post(
            f"{api}/chat", content=b"A" * 7_000_000, headers={"content-type": "text/plain"}
        )
        assert (answer.status_code, answer.json()) == (413, {"message": "Request Too Long"})
        assert world.events("invoked") == []

    play(main)


@pytest.mark.fact("1.4", "1.6")
@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('no')",
        "return 'text'",
        "return {'status': 200}",
        "return {'statusCode': 200, 'body': 'A' * 6_300_000}",
    ],
)
def test_a_failing_or_malformed_function_is_a_502(play: Play, body: str) -> None:
    async def main(world: World) -> None:
        await world.python("f", f"def handler(event, context):\n    {body}\n")
        answer, _ = await ask(world, await world.rest_api("f"), 0)
        assert (answer.status_code, answer.content) == (502, b'{"message": "Internal server error"}')
        assert answer.headers["content-length"] == "36"
        assert answer.headers["x-amzn-errortype"] == "InternalServerErrorException"

    play(main)


@pytest.mark.fact("1.6")
def test_without_the_functions_permission_it_is_a_500(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP)
        answer, _ = await ask(world, await world.rest_api("f", permission=False), 0)
        assert (answer.status_code, answer.content) == (500, b'{"message": "Internal server error"}')
        assert world.events("invoked") == []

    play(main)


@pytest.mark.fact("1.7")
@pytest.mark.parametrize(("method", "path"), [("POST", "/nowhere"), ("GET", "/chat"), ("GET", "/")])
def test_an_unknown_path_or_method_misses_a_token(play: Play, method: str, path: str) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP)
        answer = await world.http.request(method, await world.rest_api("f") + path)
        assert (answer.status_code, answer.content) == (403, b'{"message":"Missing Authentication Token"}')
        assert answer.headers["content-length"] == "42"
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"

    play(main)


@pytest.mark.fact("1.10")
def test_a_gateway_response_can_be_changed(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP, Timeout=60)
        api = await world.rest_api("f", timeoutInMillis=1000)
        change: dict[str, Any] = {
            "restApiId": api.split("/")[-2],
            "responseType": "INTEGRATION_TIMEOUT",
            "statusCode": "418",
            "responseTemplates": {"application/json": '{"why":$context.error.messageString}'},
        }
        await world.aws("apigateway", "PutGatewayResponse", **change)
        await world.aws("apigateway", "CreateDeployment", restApiId=change["restApiId"], stageName="prod")
        answer, _ = await ask(world, api, 10)
        assert answer.status_code == 418
        assert json.loads(answer.text) == {"why": "Endpoint request timed out"}

    play(main)


@pytest.mark.fact("1.20")
def test_an_integration_buffers_unless_told_otherwise(play: Play) -> None:
    source = """
    export const handler = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5000));
      return {statusCode: 200, headers: {"content-type": "text/event-stream"}, body: "data: 1\\n\\n"};
    };
    """

    async def main(world: World) -> None:
        await world.node("f", source, Timeout=10)
        api = await world.rest_api("f")
        pieces = await world.arrivals(f"{api}/chat", json={})
        assert b"".join(piece for _, piece in pieces) == b"data: 1\n\n"
        assert [at for at, _ in pieces] == pytest.approx([5] * len(pieces), abs=1e-6)

    play(main)


@pytest.mark.fact("1.20")
def test_an_integration_could_not_stream_before_november_2025(play: Play) -> None:
    async def main(world: World) -> None:
        await world.pieces("f", Timeout=60)
        with pytest.raises(AwsError, match="Invalid integration member specified: responseTransferMode"):
            await world.rest_stream("f", timeoutInMillis=29_000)
        with pytest.raises(AwsError, match="Timeout should be between 50 ms and 29000 ms"):
            await world.rest_stream("f", responseTransferMode=None)
        api = await world.rest_stream("f", responseTransferMode=None, timeoutInMillis=29_000)
        answer = await world.http.post(f"{api}/chat", json={"n": 1, "gap": 1})
        assert answer.content == b'{"message": "Internal server error"}'

    play(main, as_of=date(2025, 11, 18))
