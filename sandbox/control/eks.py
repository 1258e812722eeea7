"""EKS's clusters as their API has them, for the Kubernetes API that each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.control.changes import Changes


@dataclass(slots=True, eq=False)
class KubernetesCluster:
    """A cluster. ``id``: in its endpoint; ``info``: as ``DescribeCluster`` gave it when it was created."""

    id: str
    name: str
    info: dict[str, Any]


class Clusters:
    """Everything that there is. ``changes``: told after every change."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.by_name: dict[str, KubernetesCluster] = {}

    def by_id(self, identifier: str) -> KubernetesCluster | None:
        """By the id in its endpoint."""
        return next((one for one in self.by_name.values() if one.id == identifier), None)

    def clear(self) -> None:
        """Forget everything."""
        self.by_name.clear()
        self.changes.tell()
