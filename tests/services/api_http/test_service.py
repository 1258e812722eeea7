"""The pipeline of an HTTP API: time, size, buffering, throttling, CORS."""

from __future__ import annotations

import asyncio
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.control.resources import V2Throttle
from sandbox.limits import Limits
from sandbox.services.api_http.errors import HttpApiError
from sandbox.services.api_http.throttle import Throttles

UNAVAILABLE = b'{"message":"Service Unavailable"}'


@pytest.mark.fact("2.1", "2.2")
@pytest.mark.parametrize(
    ("timeout_ms", "after", "status"), [(30_000, 29.999, 200), (30_000, 40, 503), (50, 1, 503)]
)
def test_the_timeout_strikes_at_its_instant(
    edge: SimpleNamespace, http: SimpleNamespace, timeout_ms: int, after: float, status: int
) -> None:
    config = http.api(http.route(timeout_ms=timeout_ms))
    reply, _ = http.serve(edge, config, http.returns(http.OK, after=after))
    assert reply.status == status
    assert reply.ended_at == (after if status == 200 else timeout_ms / 1000)
    if status == 503:
        assert reply.body == UNAVAILABLE
        assert reply.header("apigw-requestid")


@pytest.mark.fact("2.5")
def test_server_sent_events_arrive_in_one_piece(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    text = "".join(f"data: {i}\n\n" for i in range(5))
    given = {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "body": text}
    reply, sandbox = http.serve(edge, prepare=http.returns(given, after=20))
    assert reply.chunks == [(20.0, text.encode())]
    assert reply.header("content-length") == str(len(text))
    (sent,) = sandbox.timeline.select("api_http", "sent")
    assert sent.at == 20.0


@pytest.mark.fact("2.4")
@pytest.mark.parametrize(("size", "status"), [(10 * 2**20, 200), (10 * 2**20 + 1, 413)])
def test_ten_megabytes(edge: SimpleNamespace, http: SimpleNamespace, size: int, status: int) -> None:
    reply, _ = http.serve(edge, prepare=http.returns(http.OK), method="POST", body=b"a" * size)
    assert reply.status == status


def test_a_route_without_integration(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    reply, _ = http.serve(edge, http.api(http.route(integration=None)))
    assert reply.status == 500


@pytest.mark.parametrize("per_route", [True, False])
def test_throttling_is_a_token_bucket(edge: SimpleNamespace, http: SimpleNamespace, per_route: bool) -> None:
    throttle = V2Throttle(burst=2, rate=0.5)
    given: dict[str, Any] = (
        {"route_throttle": {"$default": throttle}} if per_route else {"default_throttle": throttle}
    )
    waits = [0, 0, 0, 1.9, 0.1, 0, 100, 0, 0]
    asked = [{"wait": wait} for wait in waits]
    replies, _ = http.serve_all(edge, http.api(**given), http.returns(http.OK), *asked)
    assert [reply.status for reply in replies] == [200, 200, 429, 429, 200, 429, 200, 200, 429]
    assert replies[2].body == b'{"message":"Too Many Requests"}'


@pytest.mark.fact("1.9")
def test_the_accounts_quota_throttles_all_routes(http: SimpleNamespace) -> None:
    throttles, config = Throttles(), http.api(http.route("GET /a"), http.route("GET /b"))
    sandbox = SimpleNamespace(
        limits=Limits(date(2026, 11, 24)),
        clock=SimpleNamespace(now=lambda: 0.0),
        settings=SimpleNamespace(region="us-east-1"),
        shared={},
    )

    async def ask(key: str) -> None:
        call: Any = SimpleNamespace(
            sandbox=sandbox, api=config, api_id="api1", stage="$default", route=config.routes[key]
        )
        await throttles.check(call)

    async def main() -> None:
        for index in range(5000):
            await ask("GET /a" if index % 2 else "GET /b")
        with pytest.raises(HttpApiError) as refused:
            await ask("GET /a")
        assert refused.value.status == 429

    asyncio.run(main())


CORS = {
    "AllowOrigins": ["https://a.example"],
    "AllowMethods": ["GET", "POST"],
    "AllowHeaders": ["x-a"],
    "ExposeHeaders": ["x-b"],
    "AllowCredentials": True,
    "MaxAge": 60,
}
PREFLIGHT = {"origin": "https://a.example", "access-control-request-method": "POST"}


def test_a_preflight_is_answered_by_the_gateway(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    config = http.api(http.route("POST /chat", "JWT"), cors=CORS)
    reply, sandbox = http.serve(edge, config, method="OPTIONS", headers=PREFLIGHT)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.header("access-control-allow-origin") == "https://a.example"
    assert reply.header("access-control-allow-methods") == "GET,POST"
    assert reply.header("access-control-allow-headers") == "x-a"
    assert reply.header("access-control-allow-credentials") == "true"
    assert reply.header("access-control-max-age") == "60"
    assert not sandbox.lambda_.invocations


def test_a_preflight_from_elsewhere_has_no_headers(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    headers = {**PREFLIGHT, "origin": "https://b.example"}
    reply, _ = http.serve(edge, http.api(cors=CORS), method="OPTIONS", headers=headers)
    assert (reply.status, reply.header("access-control-allow-origin")) == (204, None)


def test_options_of_an_authorized_default_route_are_authorized(
    edge: SimpleNamespace, http: SimpleNamespace
) -> None:
    config = http.api(http.route("$default", "AWS_IAM"), cors=CORS)
    reply, _ = http.serve(edge, config, method="OPTIONS", headers=PREFLIGHT)
    assert reply.status == 403


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (["https://a.example"], "https://a.example", "https://a.example"),
        (["*"], "https://b.example", "*"),
        (["https://*"], "https://b.example", "https://b.example"),
        (["https://*"], "http://b.example", None),
        (["https://a.example"], None, None),
    ],
)
def test_cors_headers_are_the_gateways(
    edge: SimpleNamespace, http: SimpleNamespace, origins: list[str], origin: str | None, allowed: str | None
) -> None:
    given = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "function"}}
    config = http.api(cors={"AllowOrigins": origins, "ExposeHeaders": ["x-b"]})
    headers = {"origin": origin} if origin else {}
    reply, _ = http.serve(edge, config, http.returns(given), headers=headers)
    assert reply.all("access-control-allow-origin") == ([allowed] if allowed else [])
    assert reply.header("access-control-expose-headers") == ("x-b" if allowed else None)


def test_without_configuration_cors_headers_are_the_functions(
    edge: SimpleNamespace, http: SimpleNamespace
) -> None:
    given = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "function"}}
    reply, _ = http.serve(edge, prepare=http.returns(given), headers={"origin": "https://a.example"})
    assert reply.all("access-control-allow-origin") == ["function"]


def test_what_is_not_emulated_is_named(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    config = http.api(http.route(subtype="StepFunctions-StartExecution"))
    reply, _ = http.serve(edge, config)
    assert reply.status == 501
    assert b"StepFunctions-StartExecution" in reply.body
