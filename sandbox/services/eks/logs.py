"""What pods print: ``pods/<name>/log``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from sandbox.context import Sandbox
from sandbox.services.eks.api import Place
from sandbox.services.eks.cluster import Cluster
from sandbox.services.eks.pods import Pod
from sandbox.services.eks.status import bad_request, not_emulated
from sandbox.timeline import Event

_NOT = ("timestamps", "sinceSeconds", "sinceTime", "limitBytes")


class Logs:
    """Reads the lines of containers from the timeline, which has them all."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._followers: list[asyncio.Queue[Event]] = []
        sandbox.timeline.listen(self._tell)

    def _tell(self, event: Event) -> None:
        if event.source == "ecs" and event.name in ("log", "task_stopped"):
            for queue in self._followers:
                queue.put_nowait(event)

    def read(self, cluster: Cluster, where: Place, query: Mapping[str, str]) -> str | AsyncIterator[bytes]:
        """The lines of one container; with ``follow`` also later ones. Raises ``StatusError``."""
        document = cluster.api.found(where)
        for name in _NOT:
            if query.get(name) not in (None, "", "false", "False"):
                raise not_emulated(f"{name} of a pod's log")
        names = [one["name"] for one in document["spec"]["containers"]]
        container = query.get("container") or names[0]
        if "container" not in query and len(names) > 1:
            choices = " ".join(names)
            raise bad_request(
                f"a container name must be specified for pod {where.name}, choose one of: [{choices}]"
            )
        if container not in names + [one["name"] for one in document["spec"].get("initContainers") or []]:
            raise bad_request(f"container {container} is not valid for pod {where.name}")
        pod = cluster.pods.get(document["metadata"]["uid"])
        previous = query.get("previous") in ("true", "True", "1")
        if pod is None or len(pod.tasks) < (2 if previous else 1):
            raise bad_request(
                f'container "{container}" in pod "{where.name}" is waiting to start: ContainerCreating'
            )
        task = pod.tasks[-2 if previous else -1]
        lines = [
            str(event.data["line"])
            for event in self._sandbox.timeline.select("ecs", "log", task)
            if event.data["container"] == container
        ]
        if query.get("tailLines", "").isdigit():
            lines = lines[-int(query["tailLines"]) :] if query["tailLines"] != "0" else []
        if query.get("follow") in ("true", "True", "1"):
            return self._follow(lines, pod, task, container)
        return "".join(f"{line}\n" for line in lines)

    async def _follow(self, lines: list[str], pod: Pod, task: str, container: str) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._followers.append(queue)
        try:
            for line in lines:
                yield f"{line}\n".encode()
            while pod.task is None or not pod.task.over:
                event: Any = await queue.get()
                if event.id == task and event.name == "task_stopped":
                    return
                if event.id == task and event.data["container"] == container:
                    yield f"{event.data['line']}\n".encode()
        finally:
            self._followers.remove(queue)
