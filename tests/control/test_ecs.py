"""ECS's API: what it takes, what it refuses, and in which words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sandbox.app import open_sandbox
from sandbox.aws.errors import AwsError
from sandbox.clock import Clock, run

CONTAINER = {
    "name": "app",
    "image": "python:3",
    "command": ["python3", "-c", "import time; time.sleep(100000)"],
}
TASK: dict[str, Any] = {
    "family": "app",
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "requiresCompatibilities": ["FARGATE"],
    "containerDefinitions": [CONTAINER],
}
Ask = Callable[..., Awaitable[dict[str, Any]]]


def asked(main: Callable[[Ask], Awaitable[Any]]) -> Any:
    async def whole(clock: Clock) -> Any:
        async with open_sandbox(clock) as sandbox:

            async def ask(operation: str, **params: Any) -> dict[str, Any]:
                return await sandbox.control.call("ecs", operation, **params)

            with clock.in_flight("test"):
                await ask("CreateCluster")
                return await main(ask)

    return run(whole)


async def refused(ask: Ask, operation: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(AwsError) as error:
        await ask(operation, **params)
    return error.value.code, error.value.message


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"memory": "4096"}, "ClientException", "No Fargate configuration exists for given values."),
        ({"cpu": "0.25 vCPU", "memory": "8GB"}, "ClientException", "No Fargate configuration exists"),
        ({"networkMode": "bridge"}, "ClientException", "Fargate only supports network mode"),
        ({"family": "a b"}, "ClientException", "Family must be"),
        ({"containerDefinitions": []}, "ClientException", "Container list cannot be empty."),
        (
            {"containerDefinitions": [CONTAINER, CONTAINER]},
            "ClientException",
            "Container names must be unique",
        ),
        (
            {"containerDefinitions": [{"name": "app"}]},
            "ClientException",
            "Container.image should not be null or empty.",
        ),
        (
            {"containerDefinitions": [{**CONTAINER, "essential": False}]},
            "ClientException",
            "at least one essential",
        ),
        (
            {"containerDefinitions": [{**CONTAINER, "stopTimeout": 121}]},
            "ClientException",
            "longer than 120 seconds",
        ),
        (
            {
                "containerDefinitions": [
                    {**CONTAINER, "portMappings": [{"containerPort": 80, "hostPort": 81}]}
                ]
            },
            "ClientException",
            "must match",
        ),
        (
            {"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs"}}]},
            "NotImplemented",
            "volume 'v'",
        ),
        (
            {"containerDefinitions": [{**CONTAINER, "logConfiguration": {"logDriver": "splunk"}}]},
            "NotImplemented",
            "log driver splunk",
        ),
    ],
)
def test_task_definitions_are_judged(change: Any, code: str, words: str) -> None:
    async def main(ask: Ask) -> Any:
        return await refused(ask, "RegisterTaskDefinition", **{**TASK, **change})

    found = asked(main)
    assert found[0] == code
    assert words in found[1]


def test_revisions_and_their_end() -> None:
    async def main(ask: Ask) -> Any:
        first = (await ask("RegisterTaskDefinition", **TASK))["taskDefinition"]
        second = (await ask("RegisterTaskDefinition", **{**TASK, "cpu": "1 vCPU", "memory": "2 GB"}))[
            "taskDefinition"
        ]
        latest = (await ask("DescribeTaskDefinition", taskDefinition="app"))["taskDefinition"]["revision"]
        await ask("DeregisterTaskDefinition", taskDefinition="app:2")
        after = (await ask("DescribeTaskDefinition", taskDefinition="app"))["taskDefinition"]["revision"]
        gone = await refused(ask, "RunTask", taskDefinition="app:2")
        listed = (await ask("ListTaskDefinitions", familyPrefix="app"))["taskDefinitionArns"]
        return first, second["revision"], latest, after, gone, listed

    first, second, latest, after, gone, listed = asked(main)
    assert first["taskDefinitionArn"] == "arn:aws:ecs:us-east-1:000000000000:task-definition/app:1"
    assert first["containerDefinitions"][0]["essential"] is True
    assert (second, latest, after) == (2, 2, 1)
    assert gone == ("ClientException", "TaskDefinition is inactive")
    assert listed == [first["taskDefinitionArn"]]


def test_services_are_judged() -> None:
    async def main(ask: Ask) -> Any:
        await ask("RegisterTaskDefinition", **TASK)
        basics = {"serviceName": "s", "taskDefinition": "app"}
        found = {
            "cluster": await refused(ask, "CreateService", cluster="other", **basics),
            "controller": await refused(
                ask, "CreateService", **basics, deploymentController={"type": "CODE_DEPLOY"}
            ),
            "percent": await refused(
                ask,
                "CreateService",
                **basics,
                deploymentConfiguration={"maximumPercent": 100, "minimumHealthyPercent": 100},
            ),
            "missing": await refused(ask, "UpdateService", service="s", desiredCount=1),
        }
        await ask("CreateService", **basics, desiredCount=1)
        found["again"] = await refused(ask, "CreateService", **basics)
        found["delete"] = await refused(ask, "DeleteService", service="s")
        found["held"] = await refused(ask, "DeleteCluster", cluster="default")
        missing = (await ask("DescribeServices", services=["gone"]))["failures"]
        return {name: code for name, (code, _) in found.items()}, missing

    codes, missing = asked(main)
    assert codes == {
        "cluster": "ClusterNotFoundException",
        "controller": "NotImplemented",
        "percent": "InvalidParameterException",
        "missing": "ServiceNotFoundException",
        "again": "InvalidParameterException",
        "delete": "InvalidParameterException",
        "held": "ClusterContainsServicesException",
    }
    assert missing == [
        {"arn": "arn:aws:ecs:us-east-1:000000000000:service/default/gone", "reason": "MISSING"}
    ]


def test_tags() -> None:
    async def main(ask: Ask) -> Any:
        arn = (await ask("RegisterTaskDefinition", **TASK))["taskDefinition"]["taskDefinitionArn"]
        await ask(
            "TagResource", resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
        )
        await ask("UntagResource", resourceArn=arn, tagKeys=["a"])
        return (await ask("ListTagsForResource", resourceArn=arn))["tags"]

    assert asked(main) == [{"key": "b", "value": "2"}]
