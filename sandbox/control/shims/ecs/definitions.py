"""Operations on task definitions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.ecs import Document, TaskDefinition
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.ecs.state import State, client_error, page

_KEPT = (
    "taskRoleArn", "executionRoleArn", "networkMode", "requiresCompatibilities", "cpu", "memory", "pidMode",
    "ipcMode",
    "proxyConfiguration", "inferenceAccelerators", "ephemeralStorage", "runtimePlatform", "enableFaultInjection",
)  # fmt: skip

# What Fargate takes, in CPU units and MiB (Amazon ECS Developer Guide, "Fargate task definitions").
_MEMORY = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
    8192: tuple(range(16384, 61441, 4096)),
    16384: tuple(range(32768, 122881, 8192)),
}
_STOP_MOST = 120  # seconds, on Fargate (botocore, ecs, ContainerDefinition.stopTimeout)


class Definitions:
    """Register, describe, deregister."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "RegisterTaskDefinition": self.register,
            "DescribeTaskDefinition": self.describe,
            "DeregisterTaskDefinition": self.deregister,
            "DeleteTaskDefinitions": self.delete,
            "ListTaskDefinitions": self.list,
            "ListTaskDefinitionFamilies": self.families,
        }

    async def register(self, call: Call) -> Mapping[str, Any]:
        """``RegisterTaskDefinition``: a new revision."""
        given, family = call.params, call.params["family"]
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", family):
            raise client_error("Family must be up to 255 letters, numbers, hyphens and underscores.")
        _check(given)
        revisions = self._state.records.definitions.setdefault(family, [])
        revision = revisions[-1].revision + 1 if revisions else 1
        arn = self._state.arn(f"task-definition/{family}:{revision}")
        fargate = "FARGATE" in (given.get("requiresCompatibilities") or [])
        info: Document = {
            "taskDefinitionArn": arn,
            "containerDefinitions": [_completed(container) for container in given["containerDefinitions"]],
            "family": family,
            "revision": revision,
            "volumes": list(given.get("volumes") or []),
            "status": "ACTIVE",
            "requiresAttributes": [],
            "placementConstraints": list(given.get("placementConstraints") or []),
            "compatibilities": ["EC2", "FARGATE"] if fargate else ["EC2"],
            "registeredAt": self._state.sandbox.clock.utcnow(),
            "registeredBy": f"arn:aws:iam::{self._state.sandbox.settings.account}:root",
        }
        info |= {key: given[key] for key in _KEPT if key in given}
        made = TaskDefinition(arn, family, revision, info, list(given.get("tags") or []))
        revisions.append(made)
        self._state.changed()
        return {"taskDefinition": info, "tags": made.tags}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeTaskDefinition``."""
        found = self._state.find_definition(call.params["taskDefinition"])
        if found is None:
            raise client_error("Unable to describe task definition.")
        tagged = {"tags": found.tags} if "TAGS" in (call.params.get("include") or []) else {}
        return {"taskDefinition": found.info, **tagged}

    async def deregister(self, call: Call) -> Mapping[str, Any]:
        """``DeregisterTaskDefinition``: no new tasks; those that run go on."""
        found = self._state.find_definition(call.params["taskDefinition"])
        if found is None or ":" not in call.params["taskDefinition"]:
            raise client_error("The specified task definition does not exist.")
        found.info["status"] = "INACTIVE"
        found.info["deregisteredAt"] = self._state.sandbox.clock.utcnow()
        return {"taskDefinition": found.info}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteTaskDefinitions``: those that were deregistered."""
        gone, failures = [], []
        for name in call.params["taskDefinitions"]:
            found = self._state.find_definition(name)
            if found is None:
                failures.append({"arn": name, "reason": "The specified task definition does not exist."})
            elif found.info["status"] == "ACTIVE":
                reason = (
                    "The specified task definition is still in ACTIVE status. "
                    "Please deregister the target and try again."
                )
                failures.append({"arn": found.arn, "reason": reason})
            else:
                found.info["status"] = "DELETE_IN_PROGRESS"
                gone.append(found.info)
        return {"taskDefinitions": gone, "failures": failures}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListTaskDefinitions``."""
        prefix, status = call.params.get("familyPrefix"), call.params.get("status", "ACTIVE")
        found = [
            one.arn
            for family, revisions in sorted(self._state.records.definitions.items())
            for one in revisions
            if prefix in (None, family) and one.info["status"] == status
        ]
        shown, more = page(call.params, found[::-1] if call.params.get("sort") == "DESC" else found)
        return {"taskDefinitionArns": shown, **more}

    async def families(self, call: Call) -> Mapping[str, Any]:
        """``ListTaskDefinitionFamilies``."""
        prefix = call.params.get("familyPrefix") or ""
        shown, more = page(
            call.params, [f for f in sorted(self._state.records.definitions) if f.startswith(prefix)]
        )
        return {"families": shown, **more}


def _completed(container: Mapping[str, Any]) -> Document:
    """With what AWS fills in."""
    made = {
        "cpu": 0, "portMappings": [], "essential": True, "environment": [], "mountPoints": [], "volumesFrom": [],
        "systemControls": [], **container,
    }  # fmt: skip
    made["portMappings"] = [
        {"protocol": "tcp", **port, "hostPort": port.get("hostPort") or port["containerPort"]}
        for port in made["portMappings"]
    ]
    return made


def _check(given: Mapping[str, Any]) -> None:
    containers = given["containerDefinitions"]
    names = [container.get("name") for container in containers]
    if not containers:
        raise client_error("Container list cannot be empty.")
    for container in containers:
        if not container.get("name") or not container.get("image"):
            raise client_error(
                f"Container.{'image' if container.get('name') else 'name'} should not be null or empty."
            )
    if len(set(names)) < len(names):
        raise client_error("Container names must be unique within a task definition.")
    if not any(container.get("essential", True) for container in containers):
        raise client_error("A task definition must have at least one essential container.")
    _check_emulated(given)
    if "FARGATE" in (given.get("requiresCompatibilities") or []):
        _check_fargate(given)


def _check_emulated(given: Mapping[str, Any]) -> None:
    for volume in given.get("volumes") or []:
        if volume.keys() - {"name", "host"} or (volume.get("host") or {}).get("sourcePath"):
            raise NotEmulatedError(f"the volume {volume.get('name')!r} of an ECS task: only empty ones")
    for container in given["containerDefinitions"]:
        for name in ("environmentFiles", "firelensConfiguration", "repositoryCredentials"):
            if container.get(name):
                raise NotEmulatedError(f"{name} of an ECS container definition")
        driver = (container.get("logConfiguration") or {}).get("logDriver", "awslogs")
        if driver != "awslogs":
            raise NotEmulatedError(f"the log driver {driver} of an ECS container definition")


def _check_fargate(given: Mapping[str, Any]) -> None:
    if given.get("networkMode") != "awsvpc":
        raise client_error("Fargate only supports network mode \u2018awsvpc\u2019.")
    cpu, memory = _units(given.get("cpu"), 1024), _units(given.get("memory"), 1024)
    if cpu is None or memory is None:
        raise client_error(
            "Fargate requires that 'cpu' be defined at the task level."
            if cpu is None
            else "Fargate requires that 'memory' be defined at the task level."
        )
    if memory not in _MEMORY.get(cpu, ()):
        raise client_error("No Fargate configuration exists for given values.")
    for container in given["containerDefinitions"]:
        for port in container.get("portMappings") or []:
            if port.get("hostPort") not in (None, 0, port.get("containerPort")):
                raise client_error(
                    "When networkMode=awsvpc, the host ports and container ports in port mappings must match."
                )
        if int(container.get("stopTimeout") or 0) > _STOP_MOST:
            raise client_error(
                f"The stop timeout of the container {container['name']} cannot be longer than {_STOP_MOST} seconds."
            )


def _units(text: object, factor: int) -> int | None:
    """``"1024"``, ``"1 vCPU"``, ``"2GB"`` in CPU units or MiB; ``None`` when nothing is said."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*(vcpu|gb)?\s*", str(text).lower())
    if found is None:
        raise client_error(f"Invalid 'cpu' or 'memory' setting for task: {text}")
    return round(float(found[1]) * (factor if found[2] else 1))
