"""Pods as tasks of ECS: started, watched, started again, ended. What the kubelet does on AWS.

A pod's containers are one task. When it ends, another one is started for it after a delay of 10 s that doubles up to
five minutes (Kubernetes, "Pod Lifecycle", restart policy).
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.ecs import Container, Task
from sandbox.services.eks.kinds import CONFIG_MAP, POD, SECRET, Kind
from sandbox.services.eks.objects import Document, Objects
from sandbox.services.eks.probes import Probe

_FIRST_DELAY = 10.0
_LONGEST_DELAY = 300.0
_MEMORY = {"Ki": 1 / 1024, "Mi": 1.0, "Gi": 1024.0, "K": 1e3 / 2**20, "M": 1e6 / 2**20, "G": 1e9 / 2**20}
CONTEXT = "sandbox.context"  # an annotation of a pod: the folder with the Dockerfile of its images
_log = logging.getLogger(__name__)


class PodError(Exception):
    """A pod cannot be started; the text goes to its container's ``waiting.message``."""


class Pod:
    """The life of one pod. ``cluster``: ECS's, in which its tasks run."""

    def __init__(self, sandbox: Sandbox, objects: Objects, document: Document, cluster: str) -> None:
        self.document = document
        self.task: Task | None = None
        self.tasks: list[str] = []  # the ids of all its tasks, the newest last
        self._sandbox = sandbox
        self._objects = objects
        self._cluster = cluster
        self._restarts = 0
        self._delay = _FIRST_DELAY
        self._waiting: tuple[str, str] = ("ContainerCreating", "")
        self._last: Document = {}
        self._probes: dict[tuple[str, str], Probe] = {}
        self._probing: list[asyncio.Task[None]] = []
        self._sleeping: asyncio.Event = asyncio.Event()

    @property
    def unwanted(self) -> bool:
        """Whether it is to end."""
        return "deletionTimestamp" in self.document["metadata"]

    async def run(self) -> None:
        """Until it was deleted, or came to its end."""
        self._write()
        try:
            while not self.unwanted:
                await self._once()
                if self.unwanted or not self._again():
                    break
                await self._rest()
            await self._objects.changes.until(lambda: self.unwanted)
        finally:
            self._unprobe()
        self._objects.remove(POD, self.document)

    async def _once(self) -> None:
        """One task, from its start to its end."""
        records = self._sandbox.control.containers
        try:
            with self._sandbox.clock.in_flight(f"pod {self.document['metadata']['name']}"):
                self.task = task = await self._start()
        except (PodError, AwsError) as error:
            self._waiting = ("CreateContainerConfigError", getattr(error, "message", str(error)))
            self.task = None
            self._write()
            return
        self.tasks.append(task.id)
        stop = records.changes.listen(self._write)
        noticed = self._objects.changes.listen(lambda: records.changes.tell() if self.unwanted else None)
        try:
            await records.changes.until(lambda: task.last_status == "RUNNING" or task.over or self.unwanted)
            if task.last_status == "RUNNING":
                self._probe(task)
            await records.changes.until(lambda: not task.wanted or self.unwanted)
            self._unprobe()
            if task.wanted:
                await self._stop(task)
            with self._sandbox.clock.in_flight(f"end of pod {self.document['metadata']['name']}"):
                await records.changes.until(lambda: task.over)
        finally:
            stop()
            noticed()
        self._ended(task)

    async def _stop(self, task: Task) -> None:
        grace = self.document["metadata"].get("deletionGracePeriodSeconds")
        for container in task.containers if grace is not None else ():
            container.definition["stopTimeout"] = grace or 0.001  # 0 is at once
        await self._sandbox.control.call(
            "ecs", "StopTask", cluster=self._cluster, task=task.arn, reason="deleted"
        )

    def _again(self) -> bool:
        policy = self.document["spec"]["restartPolicy"]
        codes = [c.exit_code for c in self.task.containers] if self.task else [None]
        return policy == "Always" or (policy == "OnFailure" and any(code != 0 for code in codes))

    async def _rest(self) -> None:
        """The delay before it is started again; shorter when it is deleted."""
        try:
            async with asyncio.timeout(self._delay):
                await self._objects.changes.until(lambda: self.unwanted)
        except TimeoutError:
            self._restarts += 1 if self.task is not None else 0
        self._delay = min(self._delay * 2, _LONGEST_DELAY)

    def _ended(self, task: Task) -> None:
        reason = task.stopped_reason or ""
        if task.stop_code == "TaskFailedToStart":
            pull = reason.startswith("CannotPullContainerError")
            self._waiting = ("ImagePullBackOff" if pull else "RunContainerError", reason)
        else:
            self._waiting = ("CrashLoopBackOff", f"back-off {self._delay:g}s restarting failed container")
        self._write()

    # -- its task

    async def _start(self) -> Task:
        call, metadata = self._sandbox.control.call, self.document["metadata"]
        name = f"{metadata['namespace']}-{metadata['name']}".replace(".", "-")[:200]
        definitions, memory = self._containers()
        answer = await call(
            "ecs",
            "RegisterTaskDefinition",
            family=f"{self._cluster}-{name}",
            networkMode="awsvpc",
            cpu="1024",
            memory=str(memory),
            containerDefinitions=definitions,
        )
        arn = answer["taskDefinition"]["taskDefinitionArn"]
        ran = await call(
            "ecs", "RunTask", cluster=self._cluster, taskDefinition=arn, startedBy=metadata["uid"]
        )
        return self._sandbox.control.containers.tasks[ran["tasks"][0]["taskArn"]]

    def _containers(self) -> tuple[list[Document], int]:
        spec, made, memory = self.document["spec"], [], 0
        before: list[Document] = []
        for given in spec.get("initContainers") or []:
            made.append({**self._container(given), "essential": False, "dependsOn": list(before)})
            before = [{"containerName": given["name"], "condition": "SUCCESS"}]
        for given in spec["containers"]:
            made.append({**self._container(given), "dependsOn": list(before)})
        for container in made:
            memory += container.get("memory", 0)
        return made, max(memory, 512)

    def _container(self, given: Document) -> Document:
        annotations = self.document["metadata"].get("annotations") or {}
        limit = ((given.get("resources") or {}).get("limits") or {}).get("memory")
        made: Document = {
            "name": given["name"],
            "image": given["image"],
            "environment": self._variables(given),
            "portMappings": [{"containerPort": port["containerPort"]} for port in given.get("ports") or []],
            "stopTimeout": self.document["spec"]["terminationGracePeriodSeconds"],
        }
        for name, ours in (
            ("command", "entryPoint"),
            ("args", "command"),
            ("workingDir", "workingDirectory"),
        ):
            if given.get(name):
                made[ours] = given[name]
        if limit:
            made["memory"] = _mebibytes(str(limit))
        if CONTEXT in annotations:
            made["dockerLabels"] = {CONTEXT: annotations[CONTEXT]}
        return made

    def _variables(self, given: Document) -> list[Document]:
        found: dict[str, str] = {}
        for source in given.get("envFrom") or []:
            for field, kind in (("configMapRef", CONFIG_MAP), ("secretRef", SECRET)):
                if field in source:
                    found |= {
                        source.get("prefix", "") + name: value
                        for name, value in self._data(kind, source[field]).items()
                    }
        for one in given.get("env") or []:
            found[one["name"]] = self._value(one)
        return [{"name": name, "value": value} for name, value in found.items()]

    def _value(self, one: Document) -> str:
        source = one.get("valueFrom")
        if not source:
            return str(one.get("value", ""))
        for field, kind in (("configMapKeyRef", CONFIG_MAP), ("secretKeyRef", SECRET)):
            if field in source:
                data = self._data(kind, source[field])
                if source[field]["key"] in data:
                    return data[source[field]["key"]]
                if source[field].get("optional"):
                    return ""
                raise PodError(
                    f"couldn't find key {source[field]['key']} in {kind.kind} {source[field]['name']}"
                )
        path = (source.get("fieldRef") or {}).get("fieldPath", "")
        if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
            return str(self.document["metadata"][path.partition(".")[2]])
        raise PodError(f"the sandbox does not emulate valueFrom of {one['name']}: {source}")

    def _data(self, kind: Kind, reference: Mapping[str, Any]) -> dict[str, str]:
        one = self._objects.get(kind, self.document["metadata"]["namespace"], reference["name"])
        if one is None:
            if reference.get("optional"):
                return {}
            raise PodError(f'{kind.kind.lower()} "{reference["name"]}" not found')
        encoded = (one.get("data") or {}).items()
        if kind is CONFIG_MAP:
            return {name: str(value) for name, value in encoded}
        decoded = {name: base64.b64decode(value).decode() for name, value in encoded}
        return decoded | (one.get("stringData") or {})

    # -- probes

    def _probe(self, task: Task) -> None:
        for given in self.document["spec"]["containers"]:
            for which in ("readinessProbe", "livenessProbe"):
                if given.get(which):
                    probe = Probe(self._sandbox, task.address, given, given[which], which == "livenessProbe")
                    self._probes[given["name"], which] = probe
                    work = probe.run(self._probed(given["name"], which, probe))
                    self._probing.append(asyncio.get_running_loop().create_task(work, name=which))
        self._write()

    def _probed(self, container: str, which: str, probe: Probe) -> Callable[[], None]:
        def changed() -> None:
            if which == "livenessProbe" and not probe.passing and self.task is not None:
                _log.info("%s of %s failed", which, container)
                stop = self._sandbox.control.call(
                    "ecs",
                    "StopTask",
                    cluster=self._cluster,
                    task=self.task.arn,
                    reason="Liveness probe failed",
                )
                self._sandbox.spawn(stop, f"liveness probe of {container}")
            self._write()

        return changed

    def _unprobe(self) -> None:
        for work in self._probing:
            work.cancel()
        self._probing.clear()
        self._probes.clear()

    def _ready(self, container: Container) -> bool:
        probe = self._probes.get((container.name, "readinessProbe"))
        every: list[Document] = self.document["spec"]["containers"]
        probed = any(c.get("readinessProbe") for c in every if c["name"] == container.name)
        if container.status != "RUNNING" or self.task is None or self.task.last_status != "RUNNING":
            return False
        return probe.passing if probe else not probed

    # -- its status

    def _write(self) -> None:
        made = self._status()
        if made != self.document.get("status"):
            self.document["status"] = made
            if self._objects.get(
                POD, self.document["metadata"]["namespace"], self.document["metadata"]["name"]
            ):
                self._objects.changed(POD, self.document)

    def _status(self) -> Document:
        task, spec = self.task, self.document["spec"]
        names = [given["name"] for given in spec["containers"]]
        by_name = {c.name: c for c in task.containers} if task else {}
        shown = [self._shown(given, by_name.get(given["name"])) for given in spec["containers"]]
        ready = bool(shown) and all(one["ready"] for one in shown)
        status: Document = {
            "phase": self._phase(by_name, names),
            "conditions": [
                {"type": name, "status": "True" if met else "False"}
                for name, met in (
                    ("PodScheduled", True),
                    ("Initialized", bool(task and task.started)),
                    ("ContainersReady", ready),
                    ("Ready", ready and not self.unwanted),
                )
            ],
            "containerStatuses": shown,
            "qosClass": "BestEffort",
            "startTime": self.document["metadata"]["creationTimestamp"],
        }
        if task and task.address and not task.over:
            status |= {"podIP": task.address, "podIPs": [{"ip": task.address}], "hostIP": task.address}
        return status

    def _phase(self, by_name: Mapping[str, Container], names: list[str]) -> str:
        task = self.task
        if task is not None and task.over and not self._again() and task.stop_code != "TaskFailedToStart":
            codes = [by_name[name].exit_code for name in names]
            return "Succeeded" if all(code == 0 for code in codes) else "Failed"
        return "Running" if task is not None and task.started else "Pending"

    def _shown(self, given: Document, container: Container | None) -> Document:
        started = _stamp(self.task.started) if self.task and self.task.started else None
        state: Document
        if container is not None and container.status == "RUNNING":
            state = {"running": {"startedAt": started or self._objects.stamp()}}
        elif container is not None and container.status == "STOPPED" and self.task and self.task.started:
            ended = {
                "exitCode": container.exit_code or 0,
                "reason": _why(container),
                "startedAt": started,
                "finishedAt": _stamp(self.task.stopped) or self._objects.stamp(),
            }
            self._last = {"terminated": ended}
            state = self._last if self.unwanted or not self._again() else self._wait()
        else:
            state = self._wait()
        return {
            "name": given["name"],
            "image": given["image"],
            "imageID": "",
            "ready": container is not None and self._ready(container),
            "started": "running" in state,
            "restartCount": self._restarts,
            "state": state,
            "lastState": self._last if "terminated" not in state else {},
        }

    def _wait(self) -> Document:
        reason, message = self._waiting
        return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def _why(container: Container) -> str:
    if (container.reason or "").startswith("OutOfMemoryError"):
        return "OOMKilled"
    return "Completed" if container.exit_code == 0 else "Error"


def _stamp(instant: datetime | None) -> str | None:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ") if instant else None


def _mebibytes(text: str) -> int:
    """A quantity of memory. Raises :class:`PodError`."""
    unit = next((one for one in sorted(_MEMORY, key=len, reverse=True) if text.endswith(one)), "")
    number = text.removesuffix(unit)
    try:
        return max(6, int(float(number) * (_MEMORY[unit] if unit else 1 / 2**20)))
    except ValueError as error:
        raise PodError(f"{text!r} is no quantity of memory") from error
