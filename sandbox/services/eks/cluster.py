"""One cluster: its objects, and the controllers that look after every change."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from functools import partial

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.eks import KubernetesCluster
from sandbox.services.eks.api import Api
from sandbox.services.eks.ingresses import Ingresses
from sandbox.services.eks.kinds import POD
from sandbox.services.eks.objects import Objects
from sandbox.services.eks.pods import Pod
from sandbox.services.eks.workloads import Workloads

_DEADLINE = 600.0  # seconds for which time may move for deployments alone (progressDeadlineSeconds)
_log = logging.getLogger(__name__)


class Cluster:
    """A Kubernetes cluster. ``record``: as EKS's API knows it."""

    def __init__(self, sandbox: Sandbox, record: KubernetesCluster) -> None:
        self.record = record
        self.objects = Objects(sandbox)
        self.api = Api(self.objects)
        self.pods: dict[str, Pod] = {}  # by uid
        self._sandbox = sandbox
        self._ecs = f"eks-{record.name}"
        self._workloads = Workloads(self.objects, self.api)
        subnets = record.info.get("resourcesVpcConfig", {}).get("subnetIds") or []
        self._ingresses = Ingresses(sandbox, self.objects, record.name, subnets)
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._moving = ExitStack()
        self._since: float | None = None
        self._running = asyncio.get_running_loop().create_task(self._run(), name=f"cluster {record.name}")

    async def _run(self) -> None:
        await self._sandbox.control.call("ecs", "CreateCluster", clusterName=self._ecs)
        while True:
            version = self.objects.version
            try:
                self._workloads.look()
                self._start_pods()
                await self._ingresses.look()
            except Exception:  # one object must not end the controllers of all
                _log.exception("the controllers of the cluster %s failed", self.record.name)
            self._let_time_move()
            await self.objects.changes.until(partial(self._changed_since, version))

    def _changed_since(self, version: int) -> bool:
        return self.objects.version != version

    def _start_pods(self) -> None:
        for document in self.objects.all(POD):
            uid = document["metadata"]["uid"]
            if uid not in self._lives:
                pod = self.pods[uid] = Pod(self._sandbox, self.objects, document, self._ecs)
                life = asyncio.get_running_loop().create_task(pod.run(), name=f"pod {uid}")
                self._lives[uid] = life
                life.add_done_callback(partial(self._over, uid))

    def _over(self, uid: str, life: asyncio.Task[None]) -> None:
        self._lives.pop(uid, None)
        self.pods.pop(uid, None)
        if not life.cancelled() and (error := life.exception()) is not None:
            _log.error("the pod %s ended by a fault of the sandbox", uid, exc_info=error)

    def _let_time_move(self) -> None:
        """A deployment goes on although nobody waits for it, until its deadline."""
        now = self._sandbox.clock.now()
        if not self._workloads.under_way():
            self._since = None
            self._moving.close()
        elif self._since is None:
            self._since = now
            self._moving.enter_context(self._sandbox.clock.in_flight(f"deployments of {self.record.name}"))
        elif now - self._since > _DEADLINE:
            self._moving.close()

    async def stop(self) -> None:
        """The sandbox ends, and with it the tasks."""
        work = [self._running, *self._lives.values()]
        for one in work:
            one.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        self._moving.close()
        self.objects.close()

    async def delete(self) -> None:
        """The cluster was deleted: its pods and load balancers go."""
        tasks = [pod.task for pod in self.pods.values() if pod.task is not None and pod.task.wanted]
        await self.stop()
        call = self._sandbox.control.call
        for task in tasks:
            await call("ecs", "StopTask", cluster=self._ecs, task=task.arn, reason="the cluster was deleted")
        try:
            await self._ingresses.close()
            await self._sandbox.control.containers.changes.until(lambda: all(task.over for task in tasks))
            await call("ecs", "DeleteCluster", cluster=self._ecs)
        except AwsError as error:
            _log.warning("what the cluster %s had cannot be removed: %s", self.record.name, error)
