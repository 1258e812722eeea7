"""Containers as they are wanted and as they are, shared by ECS's API and by what runs the tasks.

The API creates records and says what it wants (``desired_status``, ``desired``); the data plane runs processes and
writes how they fare. Structures are as botocore's ``ecs`` model names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.control.changes import Changes

Document = dict[str, Any]


@dataclass(slots=True, eq=False)
class Cluster:
    """A cluster. ``info``: as ``DescribeClusters`` gives it, without counts."""

    arn: str
    name: str
    info: Document
    tags: list[Document] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class TaskDefinition:
    """A revision of a family. ``info``: as ``DescribeTaskDefinition`` gives it."""

    arn: str
    family: str
    revision: int
    info: Document
    tags: list[Document] = field(default_factory=list)

    @property
    def containers(self) -> list[Document]:
        found: list[Document] = self.info["containerDefinitions"]
        return found


@dataclass(slots=True, eq=False)
class Container:
    """A container of a task."""

    definition: Document  # with the task's overrides
    arn: str
    runtime_id: str
    status: str = "PENDING"
    health: str = "UNKNOWN"
    exit_code: int | None = None
    reason: str | None = None

    @property
    def name(self) -> str:
        return str(self.definition["name"])

    @property
    def essential(self) -> bool:
        return bool(self.definition.get("essential", True))


@dataclass(slots=True, eq=False)
class Task:
    """A task. ``deployment``: the id of the service's deployment that wants it; ``address``: its own loopback IP."""

    arn: str
    cluster: str  # ARN
    definition: TaskDefinition
    group: str  # "service:<name>" or "family:<family>"
    containers: list[Container]
    created: datetime
    info: Document  # launchType, startedBy, overrides, tags, networkConfiguration, cpu, memory ...
    deployment: str | None = None
    address: str = ""
    last_status: str = "PROVISIONING"
    desired_status: str = "RUNNING"
    connectivity: datetime | None = None
    pull_started: datetime | None = None
    pull_stopped: datetime | None = None
    started: datetime | None = None
    stopping: datetime | None = None
    execution_stopped: datetime | None = None
    stopped: datetime | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    version: int = 1
    last_lines: list[str] = field(default_factory=list)  # what its containers printed last, once it stopped

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def over(self) -> bool:
        return self.last_status == "STOPPED"

    @property
    def wanted(self) -> bool:
        return self.desired_status == "RUNNING"

    @property
    def health(self) -> str:
        """``HEALTHY``, ``UNHEALTHY`` or ``UNKNOWN``, from its essential containers with a health check."""
        checked = [c.health for c in self.containers if c.essential and c.definition.get("healthCheck")]
        if "UNHEALTHY" in checked:
            return "UNHEALTHY"
        return "HEALTHY" if checked and all(h == "HEALTHY" for h in checked) else "UNKNOWN"


@dataclass(slots=True, eq=False)
class Deployment:
    """What a service is being brought to, or was."""

    id: str
    status: str  # PRIMARY, ACTIVE
    definition: TaskDefinition
    created: datetime
    updated: datetime
    rollout: str = "IN_PROGRESS"
    reason: str = ""
    failed: int = 0  # tasks that did not come up in a row
    network: Document | None = None


@dataclass(slots=True, eq=False)
class Service:
    """A service. ``info``: what was asked for, as ``DescribeServices`` gives it."""

    arn: str
    name: str
    cluster: str  # ARN
    info: Document
    desired: int
    created: datetime
    status: str = "ACTIVE"
    deployments: list[Deployment] = field(default_factory=list)  # the primary one first
    events: list[Document] = field(default_factory=list)  # newest first
    tags: list[Document] = field(default_factory=list)

    @property
    def primary(self) -> Deployment:
        return self.deployments[0]

    @property
    def load_balancers(self) -> list[Document]:
        return self.info.get("loadBalancers") or []

    @property
    def failed(self) -> str | None:
        """Why its deployment cannot come to an end, when it cannot."""
        return self.primary.reason if self.primary.rollout == "FAILED" else None

    @property
    def stable(self) -> bool:
        """One deployment, and that is complete."""
        return len(self.deployments) == 1 and self.primary.rollout == "COMPLETED"


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What ``docker build`` would be given."""

    zip: bytes
    dockerfile: str
    origin: str  # how to name it in messages


class Containers:
    """Everything that there is. ``changes``: told after every change by the API or by what runs the tasks."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.clusters: dict[str, Cluster] = {}  # by ARN
        self.definitions: dict[str, list[TaskDefinition]] = {}  # by family, oldest first
        self.services: dict[str, Service] = {}  # by ARN
        self.tasks: dict[str, Task] = {}  # by ARN
        self.images: dict[str, BuildContext] = {}  # by the image's name

    def clear(self) -> None:
        """Forget everything."""
        for known in (self.clusters, self.definitions, self.services, self.tasks, self.images):
            known.clear()
        self.changes.tell()

    def tasks_of(self, service: Service) -> list[Task]:
        """The tasks of a service that have not stopped, oldest first."""
        group = f"service:{service.name}"
        return [
            task
            for task in self.tasks.values()
            if task.group == group and task.cluster == service.cluster and not task.over
        ]

    def push(self, image: str, context: bytes, dockerfile: str, origin: str) -> None:
        """Keep what an image is made of, as a registry keeps images."""
        self.images[image] = BuildContext(context, dockerfile, origin)


def network_of(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ``awsvpcConfiguration`` of a service or task; empty when there is none."""
    found: Mapping[str, Any] = (settings.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    return found
