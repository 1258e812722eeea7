"""What the parts of the API share: the records, ARNs, and looking things up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.ecs import Cluster, Containers, Service, Task, TaskDefinition

T = TypeVar("T")

DEFAULT = "default"  # the cluster that is meant when none is named


def client_error(message: str) -> AwsError:
    """A request that AWS refuses for what it says."""
    return AwsError(400, "ClientException", message)


def invalid(message: str) -> AwsError:
    """A request with a wrong parameter."""
    return AwsError(400, "InvalidParameterException", message)


class State:
    """The records and the sandbox that they belong to."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.records = Containers()

    def reset(self) -> None:
        """Forget everything."""
        self.records.clear()

    def changed(self) -> None:
        """Let what runs the tasks know."""
        self.records.changes.tell()

    def arn(self, resource: str) -> str:
        """An ARN of this service."""
        settings = self.sandbox.settings
        return f"arn:aws:ecs:{settings.region}:{settings.account}:{resource}"

    def id(self) -> str:
        """The last part of a task's ARN."""
        return self.sandbox.ids.hex(32)

    def cluster(self, name: str | None) -> Cluster:
        """By name or ARN. Raises ``AwsError``."""
        wanted = name or DEFAULT
        arn = wanted if wanted.startswith("arn:") else self.arn(f"cluster/{wanted}")
        found = self.records.clusters.get(arn)
        if found is None or found.info["status"] != "ACTIVE":
            raise AwsError(400, "ClusterNotFoundException", "Cluster not found.")
        return found

    def find_service(self, cluster: Cluster, name: str) -> Service | None:
        """By name or ARN; ``None`` for one that never was."""
        arn = name if name.startswith("arn:") else self.arn(f"service/{cluster.name}/{name}")
        found = self.records.services.get(arn)
        return found if found is not None and found.cluster == cluster.arn else None

    def service(self, cluster: Cluster, name: str) -> Service:
        """An active one by name or ARN. Raises ``AwsError``."""
        found = self.find_service(cluster, name)
        if found is None:
            raise AwsError(400, "ServiceNotFoundException", "Service not found.")
        if found.status != "ACTIVE":
            raise AwsError(400, "ServiceNotActiveException", "Service was not ACTIVE.")
        return found

    def find_task(self, cluster: Cluster, name: str) -> Task | None:
        """By id or ARN."""
        arn = name if name.startswith("arn:") else self.arn(f"task/{cluster.name}/{name}")
        return self.records.tasks.get(arn)

    def find_definition(self, name: str) -> TaskDefinition | None:
        """By family, ``family:revision`` or ARN; of a family the latest active revision."""
        text = name.rpartition("/")[2] if name.startswith("arn:") else name
        family, _, revision = text.partition(":")
        revisions = self.records.definitions.get(family, [])
        if revision:
            return next((one for one in revisions if str(one.revision) == revision), None)
        return next((one for one in reversed(revisions) if one.info["status"] == "ACTIVE"), None)

    def definition(self, name: str) -> TaskDefinition:
        """One that tasks may be started from. Raises ``AwsError``."""
        found = self.find_definition(name)
        if found is None:
            raise client_error("TaskDefinition not found.")
        if found.info["status"] != "ACTIVE":
            raise client_error("TaskDefinition is inactive")
        return found


def page(params: Mapping[str, Any], found: Iterable[T], size: int = 100) -> tuple[list[T], dict[str, str]]:
    """A page of a list and the token of the next one."""
    items = list(found)
    token = str(params.get("nextToken") or 0)
    start = int(token) if token.isdigit() else 0
    end = start + int(params.get("maxResults") or size)
    return items[start:end], ({"nextToken": str(end)} if end < len(items) else {})
