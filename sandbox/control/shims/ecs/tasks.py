"""Operations on tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.ecs import Task
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.ecs.new_task import new_task
from sandbox.control.shims.ecs.state import State, invalid, page

_MOST = 10  # tasks in one RunTask (botocore, ecs, RunTaskRequest.count)


class Tasks:
    """Run, stop, describe, list."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "RunTask": self.run,
            "StopTask": self.stop,
            "DescribeTasks": self.describe,
            "ListTasks": self.list,
        }

    async def run(self, call: Call) -> Mapping[str, Any]:
        """``RunTask``."""
        given, cluster = call.params, self._state.cluster(call.params.get("cluster"))
        definition = self._state.definition(given["taskDefinition"])
        count = int(given.get("count", 1))
        if not 1 <= count <= _MOST:
            raise invalid(f"count must be between 1 and {_MOST}.")
        tasks = [
            new_task(
                self._state.sandbox,
                cluster,
                definition,
                group=given.get("group") or f"family:{definition.family}",
                asked=given,
            )
            for _ in range(count)
        ]
        for task in tasks:
            self._state.records.tasks[task.arn] = task
        shown = [shown_task(task) for task in tasks]
        self._state.changed()
        return {"tasks": shown, "failures": []}

    async def stop(self, call: Call) -> Mapping[str, Any]:
        """``StopTask``: it is told to end; it has ended when its state is ``STOPPED``."""
        cluster = self._state.cluster(call.params.get("cluster"))
        task = self._state.find_task(cluster, call.params["task"])
        if task is None:
            raise invalid("The referenced task was not found.")
        if task.wanted:
            task.desired_status = "STOPPED"
            task.stop_code = task.stop_code or "UserInitiated"
            task.stopped_reason = task.stopped_reason or call.params.get("reason") or "Task stopped by user"
        shown = shown_task(task)
        self._state.changed()
        return {"task": shown}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeTasks``."""
        cluster, found, failures = self._state.cluster(call.params.get("cluster")), [], []
        for name in call.params["tasks"]:
            task = self._state.find_task(cluster, name)
            if task is None:
                arn = name if name.startswith("arn:") else self._state.arn(f"task/{cluster.name}/{name}")
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(shown_task(task))
        return {"tasks": found, "failures": failures}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListTasks``."""
        given, cluster = call.params, self._state.cluster(call.params.get("cluster"))
        status = given.get("desiredStatus", "RUNNING")
        service = given.get("serviceName", "").rpartition("/")[2]
        found = [
            task.arn
            for task in self._state.records.tasks.values()
            if task.cluster == cluster.arn
            and task.desired_status == status
            and (not service or task.group == f"service:{service}")
            and given.get("family") in (None, task.definition.family)
            and given.get("startedBy") in (None, task.info.get("startedBy"))
        ]
        shown, more = page(given, found)
        return {"taskArns": shown, **more}


def shown_task(task: Task) -> dict[str, Any]:
    """A task as ``DescribeTasks`` gives it."""
    instants = {
        "connectivityAt": task.connectivity,
        "pullStartedAt": task.pull_started,
        "pullStoppedAt": task.pull_stopped,
        "startedAt": task.started,
        "stoppingAt": task.stopping,
        "executionStoppedAt": task.execution_stopped,
        "stoppedAt": task.stopped,
        "stopCode": task.stop_code,
        "stoppedReason": task.stopped_reason,
    }
    return {
        **task.info,
        "taskArn": task.arn,
        "clusterArn": task.cluster,
        "taskDefinitionArn": task.definition.arn,
        "group": task.group,
        "createdAt": task.created,
        "lastStatus": task.last_status,
        "desiredStatus": task.desired_status,
        "healthStatus": task.health,
        "version": task.version,
        "attachments": [_interface(task)],
        "containers": [_container(task, n) for n in range(len(task.containers))],
        **{name: value for name, value in instants.items() if value is not None},
    } | ({"connectivity": "CONNECTED"} if task.connectivity else {})


def _interface(task: Task) -> dict[str, Any]:
    """The network interface, whose address is the task's."""
    status = {"PROVISIONING": "ATTACHING", "STOPPED": "DELETED"}.get(task.last_status, "ATTACHED")
    details = {"privateIPv4Address": task.address}
    return {
        "id": task.containers[0].runtime_id[:8] + task.arn[-24:],
        "type": "ElasticNetworkInterface",
        "status": status,
        "details": [{"name": name, "value": value} for name, value in details.items() if value],
    }


def _container(task: Task, number: int) -> dict[str, Any]:
    container = task.containers[number]
    made = {
        "containerArn": container.arn,
        "taskArn": task.arn,
        "name": container.name,
        "image": container.definition["image"],
        "runtimeId": container.runtime_id,
        "lastStatus": container.status,
        "healthStatus": container.health,
        "networkBindings": [],
        "networkInterfaces": [{"privateIpv4Address": task.address}] if task.address else [],
        "cpu": str(container.definition.get("cpu", 0)),
    }
    if container.exit_code is not None:
        made["exitCode"] = container.exit_code
    if container.reason:
        made["reason"] = container.reason
    return made
