"""Canary releases of a REST API and its cache, over loopback: who gets which release, with which variables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

TEMPLATE = {
    "variable": "$stageVariables.testVar",
    "nonExistingDefault": "$stageVariables.noStageVar",
    "nonOverridden": "$stageVariables.defaultVar",
    "isCanary": "$context.isCanaryRequest",
}


async def mock_api(world: World) -> tuple[str, dict[str, str]]:
    """A REST API whose ``GET /`` answers with its variables, deployed to ``dev``; and what names the answer."""
    api = (await world.aws("apigateway", "CreateRestApi", name="a"))["id"]
    root = (await world.aws("apigateway", "GetResources", restApiId=api))["items"][0]["id"]
    at = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    await world.aws("apigateway", "PutMethod", **at, authorizationType="NONE")
    await world.aws("apigateway", "PutMethodResponse", **at, statusCode="200")
    templates = {"application/json": '{"statusCode": 200}'}
    await world.aws("apigateway", "PutIntegration", **at, type="MOCK", requestTemplates=templates)
    answer = {**at, "statusCode": "200"}
    await release(world, answer, "default", variables={"testVar": "default", "defaultVar": "default"})
    return f"{world.sandbox.endpoint}/_aws/execute-api/{api}/dev/", answer


async def release(world: World, answer: dict[str, str], message: str, **deployment: Any) -> None:
    template = json.dumps({"message": message, **TEMPLATE})
    await world.aws(
        "apigateway", "PutIntegrationResponse", **answer, responseTemplates={"application/json": template}
    )
    api = answer["restApiId"]
    await world.aws("apigateway", "CreateDeployment", restApiId=api, stageName="dev", **deployment)


async def patch(world: World, answer: dict[str, str], path: str, value: str, op: str = "replace") -> None:
    operations = [{"op": op, "path": path, "value": value} if value else {"op": op, "path": path}]
    api = answer["restApiId"]
    await world.aws("apigateway", "UpdateStage", restApiId=api, stageName="dev", patchOperations=operations)


def test_the_canary_has_its_own_release_and_variables(play: Play) -> None:
    """As localstack's validated test recorded it against AWS."""

    async def main(world: World) -> None:
        url, answer = await mock_api(world)
        overrides = {"testVar": "canary", "noStageVar": "canary"}
        settings = {"percentTraffic": 0, "stageVariableOverrides": overrides}
        await release(world, answer, "canary", canarySettings=settings)
        production = {
            "message": "default",
            "variable": "default",
            "nonExistingDefault": "",
            "nonOverridden": "default",
            "isCanary": "false",
        }
        assert (await world.http.get(url)).json() == production
        await patch(world, answer, "/canarySettings/percentTraffic", "100.0")
        assert (await world.http.get(url)).json() == {
            "message": "canary",
            "variable": "canary",
            "nonExistingDefault": "canary",
            "nonOverridden": "default",
            "isCanary": "true",
        }
        await patch(world, answer, "/canarySettings", "", "remove")
        assert (await world.http.get(url)).json() == production

    play(main)


def test_the_share_is_drawn_by_the_seed(play: Play) -> None:
    draws: list[list[str]] = []

    async def main(world: World) -> None:
        url, answer = await mock_api(world)
        await release(world, answer, "canary", canarySettings={"percentTraffic": 25})
        draws.append([(await world.http.get(url)).json()["isCanary"] for _ in range(80)])

    play(main)
    play(main)
    assert draws[0] == draws[1]  # the same seed, the same requests
    assert 10 <= draws[0].count("true") <= 30


def test_a_canary_uses_the_stages_cache_when_told_to(play: Play) -> None:
    async def main(world: World) -> None:
        url, answer = await mock_api(world)
        await release(world, answer, "canary", canarySettings={"percentTraffic": 100})
        await patch(world, answer, "/cacheClusterEnabled", "true")
        await patch(world, answer, "/*/*/caching/enabled", "true")
        for _ in range(2):
            await world.http.get(url)
        assert not world.events("cache_miss", "api_rest")
        await patch(world, answer, "/canarySettings/useStageCache", "true")
        for _ in range(2):
            assert (await world.http.get(url)).json()["message"] == "canary"
        assert [len(world.events(name, "api_rest")) for name in ("cache_miss", "cache_hit")] == [1, 1]
        await world.aws("apigateway", "FlushStageCache", restApiId=answer["restApiId"], stageName="dev")
        await world.http.get(url)
        assert len(world.events("cache_miss", "api_rest")) == 2

    play(main)


def test_a_canarys_access_log_is_in_a_group_of_its_own_too(play: Play) -> None:
    async def main(world: World) -> None:
        url, answer = await mock_api(world)
        await release(world, answer, "canary", canarySettings={"percentTraffic": 100})
        await world.aws("logs", "CreateLogGroup", logGroupName="access")
        arn = "arn:aws:logs:us-east-1:000000000000:log-group:access"
        await patch(world, answer, "/accessLogSettings/destinationArn", arn)
        await patch(world, answer, "/accessLogSettings/format", "$context.status $context.isCanaryRequest")
        await world.http.get(url)
        await world.clock.advance(1)
        for group in ("access", "access/Canary"):
            events = (await world.aws("logs", "FilterLogEvents", logGroupName=group))["events"]
            assert [event["message"] for event in events] == ["200 true"]

    play(main)
