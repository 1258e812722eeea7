"""The container metadata endpoint, version 4, as far as programs commonly ask it.

Source: Amazon ECS Developer Guide, "Amazon ECS task metadata endpoint version 4 for tasks on Fargate".
"""

from __future__ import annotations

from typing import Any

from sandbox.control.ecs import Container, Containers, Task


def answer(records: Containers, path: str) -> tuple[int, Any]:
    """Status and document for the path behind ``/v4/``: ``<runtime id>`` or ``<runtime id>/task``."""
    runtime_id, _, rest = path.partition("/")
    for task in records.tasks.values():
        for container in task.containers:
            if container.runtime_id == runtime_id:
                if rest.strip("/") == "task":
                    return 200, _task(task)
                return (
                    (200, _container(task, container)) if not rest.strip("/") else (404, "404 page not found")
                )
    return 404, "404 page not found"


def _task(task: Task) -> dict[str, Any]:
    cpu, memory = task.info["cpu"], task.info["memory"]
    return {
        "Cluster": task.cluster,
        "TaskARN": task.arn,
        "Family": task.definition.family,
        "Revision": str(task.definition.revision),
        "DesiredStatus": task.desired_status,
        "KnownStatus": task.last_status,
        "Limits": {
            "CPU": int(cpu) / 1024 if cpu.isdigit() else cpu,
            "Memory": int(memory) if memory.isdigit() else memory,
        },
        "PullStartedAt": task.pull_started,
        "PullStoppedAt": task.pull_stopped,
        "AvailabilityZone": task.info["availabilityZone"],
        "LaunchType": task.info["launchType"],
        "Containers": [_container(task, container) for container in task.containers],
    }


def _container(task: Task, container: Container) -> dict[str, Any]:
    labels = {
        "com.amazonaws.ecs.cluster": task.cluster,
        "com.amazonaws.ecs.container-name": container.name,
        "com.amazonaws.ecs.task-arn": task.arn,
        "com.amazonaws.ecs.task-definition-family": task.definition.family,
        "com.amazonaws.ecs.task-definition-version": str(task.definition.revision),
    }
    return {
        "DockerId": container.runtime_id,
        "Name": container.name,
        "DockerName": container.name,
        "Image": container.definition["image"],
        "Labels": {**labels, **(container.definition.get("dockerLabels") or {})},
        "DesiredStatus": task.desired_status,
        "KnownStatus": container.status,
        "CreatedAt": task.created,
        "StartedAt": task.started,
        "Type": "NORMAL",
        "ContainerARN": container.arn,
        "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": [task.address]}],
    }
