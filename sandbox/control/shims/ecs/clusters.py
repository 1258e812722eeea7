"""Operations on clusters, and the account's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.ecs import Cluster
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.ecs.state import DEFAULT, State, page

_KEPT = ("configuration", "settings", "capacityProviders", "defaultCapacityProviderStrategy")
_MORE = "serviceConnectDefaults"


class Clusters:
    """Create, describe, change and delete."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateCluster": self.create,
            "DescribeClusters": self.describe,
            "ListClusters": self.list,
            "UpdateCluster": self.update,
            "UpdateClusterSettings": self.update,
            "PutClusterCapacityProviders": self.update,
            "DeleteCluster": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateCluster``: one that exists is given back."""
        name = call.params.get("clusterName") or DEFAULT
        arn = self._state.arn(f"cluster/{name}")
        known = self._state.records.clusters.get(arn)
        if known is None or known.info["status"] != "ACTIVE":
            info: dict[str, Any] = {"clusterArn": arn, "clusterName": name, "status": "ACTIVE"}
            info |= {
                "settings": [{"name": "containerInsights", "value": "disabled"}],
                "capacityProviders": [],
                "defaultCapacityProviderStrategy": [],
            }
            info |= {key: call.params[key] for key in (*_KEPT, _MORE) if key in call.params}
            known = Cluster(arn, name, info, list(call.params.get("tags") or []))
            self._state.records.clusters[arn] = known
            self._state.changed()
        return {"cluster": self._shown(known)}

    def _shown(self, cluster: Cluster) -> dict[str, Any]:
        records = self._state.records
        tasks = [task for task in records.tasks.values() if task.cluster == cluster.arn and not task.over]
        services = [s for s in records.services.values() if s.cluster == cluster.arn]
        return {
            **cluster.info,
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": sum(task.last_status == "RUNNING" for task in tasks),
            "pendingTasksCount": sum(task.last_status in ("PROVISIONING", "PENDING") for task in tasks),
            "activeServicesCount": sum(service.status == "ACTIVE" for service in services),
            "statistics": [],
            "tags": cluster.tags,
        }

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeClusters``."""
        found, failures = [], []
        for name in call.params.get("clusters") or [DEFAULT]:
            arn = name if name.startswith("arn:") else self._state.arn(f"cluster/{name}")
            known = self._state.records.clusters.get(arn)
            if known is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(self._shown(known))
        return {"clusters": found, "failures": failures}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListClusters``."""
        active = [c.arn for c in self._state.records.clusters.values() if c.info["status"] == "ACTIVE"]
        shown, more = page(call.params, active)
        return {"clusterArns": shown, **more}

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateCluster``, ``UpdateClusterSettings``, ``PutClusterCapacityProviders``."""
        cluster = self._state.cluster(call.params.get("cluster"))
        cluster.info |= {key: call.params[key] for key in (*_KEPT, _MORE) if key in call.params}
        return {"cluster": self._shown(cluster)}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteCluster``."""
        cluster = self._state.cluster(call.params.get("cluster"))
        records = self._state.records
        if any(s.cluster == cluster.arn and s.status != "INACTIVE" for s in records.services.values()):
            raise AwsError(
                400,
                "ClusterContainsServicesException",
                "The Cluster cannot be deleted while Services are active.",
            )
        if any(t.cluster == cluster.arn and not t.over for t in records.tasks.values()):
            raise AwsError(
                400, "ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active."
            )
        cluster.info["status"] = "INACTIVE"
        self._state.changed()
        return {"cluster": self._shown(cluster)}
