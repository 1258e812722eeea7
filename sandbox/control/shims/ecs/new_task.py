"""A new task's record: its containers with the overrides that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.context import Sandbox
from sandbox.control.ecs import Cluster, Container, Document, Task, TaskDefinition


def new_task(
    sandbox: Sandbox,
    cluster: Cluster,
    definition: TaskDefinition,
    *,
    group: str,
    asked: Mapping[str, Any],
    deployment: str | None = None,
) -> Task:
    """A task that is about to be provisioned. ``asked``: the fields of a ``RunTask`` request."""
    ids, settings = sandbox.ids, sandbox.settings
    prefix = f"arn:aws:ecs:{settings.region}:{settings.account}"
    number = ids.hex(32)
    overrides = asked.get("overrides") or {}
    by_name = {one.get("name"): one for one in overrides.get("containerOverrides") or []}
    containers = [
        Container(
            _overridden(given, by_name.get(given["name"], {})),
            f"{prefix}:container/{cluster.name}/{number}/{ids.uuid()}",
            f"{number}-{ids.text(10, '0123456789')}",
        )
        for given in definition.containers
    ]
    info: Document = {
        "launchType": asked.get("launchType", "FARGATE"),
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "availabilityZone": f"{settings.region}a",
        "cpu": str(overrides.get("cpu") or definition.info.get("cpu", "256")),
        "memory": str(overrides.get("memory") or definition.info.get("memory", "512")),
        "overrides": {"containerOverrides": [], "inferenceAcceleratorOverrides": [], **overrides},
        "attributes": [],
        "enableExecuteCommand": False,
        "tags": list(asked.get("tags") or []),
    }
    info |= {"startedBy": asked["startedBy"]} if asked.get("startedBy") else {}
    return Task(
        f"{prefix}:task/{cluster.name}/{number}",
        cluster.arn,
        definition,
        group,
        containers,
        sandbox.clock.utcnow(),
        info,
        deployment,
    )


def _overridden(given: Document, override: Mapping[str, Any]) -> Document:
    made = dict(given)
    if override.get("command"):
        made["command"] = list(override["command"])
    if override.get("environment"):
        variables = {one["name"]: one for one in given.get("environment") or []}
        variables |= {one["name"]: one for one in override["environment"]}
        made["environment"] = list(variables.values())
    made |= {key: override[key] for key in ("cpu", "memory", "memoryReservation") if key in override}
    return made
