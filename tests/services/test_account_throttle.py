"""The account's requests a second are those of all kinds of APIs together."""

import asyncio

import httpx
import pytest

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.services import account_throttle


async def _rest(sandbox) -> str:
    call = sandbox.control.call
    api = (await call("apigateway", "CreateRestApi", name="a"))["id"]
    root = (await call("apigateway", "GetResources", restApiId=api))["items"][0]["id"]
    at = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    await call("apigateway", "PutMethod", **at, authorizationType="NONE")
    await call(
        "apigateway",
        "PutIntegration",
        **at,
        type="MOCK",
        requestTemplates={"application/json": '{"statusCode": 200}'},
    )
    await call("apigateway", "PutMethodResponse", **at, statusCode="200")
    await call("apigateway", "PutIntegrationResponse", **at, statusCode="200")
    await call("apigateway", "CreateDeployment", restApiId=api, stageName="prod")
    return f"{sandbox.endpoint}/_aws/execute-api/{api}/prod/"


async def _http(sandbox) -> str:
    call = sandbox.control.call
    api = (await call("apigatewayv2", "CreateApi", Name="a", ProtocolType="HTTP"))["ApiId"]
    to = f"{sandbox.endpoint}/_sandbox/status"
    made = await call(
        "apigatewayv2",
        "CreateIntegration",
        ApiId=api,
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="GET",
        IntegrationUri=to,
        PayloadFormatVersion="1.0",
    )
    target = f"integrations/{made['IntegrationId']}"
    await call("apigatewayv2", "CreateRoute", ApiId=api, RouteKey="GET /", Target=target)
    await call("apigatewayv2", "CreateStage", ApiId=api, StageName="$default", AutoDeploy=True)
    return f"{sandbox.endpoint}/_aws/execute-api/{api}/"


@pytest.mark.fact("1.9")
def test_all_kinds_of_apis_take_from_one_bucket_that_a_reset_fills() -> None:
    async def main(clock: Clock) -> None:
        async with open_sandbox(clock) as sandbox:
            rest, http = await _rest(sandbox), await _http(sandbox)
            async with httpx.AsyncClient(trust_env=False, timeout=None) as client:

                async def status(url: str) -> int:
                    return (await client.get(url)).status_code

                assert [await status(url) for url in (rest, http)] == [200, 200]
                while account_throttle.take(sandbox):
                    pass
                assert [await status(url) for url in (rest, http)] == [429, 429]
                await asyncio.sleep(0.0001)  # one of 10,000 a second
                assert [await status(url) for url in (http, rest)] == [200, 429]
                assert not account_throttle.take(sandbox)
                await client.post(f"{sandbox.endpoint}/_sandbox/reset", json={})
                rest = await _rest(sandbox)
                assert await status(rest) == 200

    run(main, in_flight="test")


@pytest.mark.fact("1.9")
@pytest.mark.parametrize(
    ("region", "raised", "burst", "rate"),
    [
        ("us-east-1", {}, 5000, 10_000),
        ("eu-south-1", {}, 1250, 2500),
        ("eu-south-1", {"api_rest.rate.account": 12_000}, 1250, 12_000),
    ],
)
def test_some_regions_begin_with_less(region: str, raised: dict[str, int], burst: int, rate: int) -> None:
    async def main(clock: Clock) -> None:
        async with open_sandbox(clock, region=region, overrides=raised) as sandbox:
            taken = 0
            while account_throttle.take(sandbox):
                taken += 1
            await asyncio.sleep(0.01)
            again = 0
            while account_throttle.take(sandbox):
                again += 1
            assert (taken, again) == (burst, rate / 100)

    run(main, in_flight="test")
