"""Message move tasks: dead letters on their way back, at a rate, on the loop's time."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.sqs.errors import invalid_value, not_found
from sandbox.control.shims.sqs.queue import Queue
from sandbox.control.shims.sqs.queues import required
from sandbox.control.shims.sqs.state import State

_ACTIVE = ("RUNNING", "CANCELLING")
MOST_PER_SECOND = 500  # botocore 1.44.5, sqs StartMessageMoveTask


@dataclass(slots=True, eq=False)
class Task:
    """A move of all messages that were in a dead-letter queue when it began."""

    id: str
    source: Queue
    destination: str | None
    rate: int | None
    to_move: int
    started_ms: int
    moved: int = 0
    status: str = "RUNNING"
    failure: str | None = None

    @property
    def handle(self) -> str:
        """What clients name it by."""
        return base64.b64encode(
            json.dumps({"taskId": self.id, "sourceArn": self.source.arn}).encode()
        ).decode()

    def shown(self) -> dict[str, Any]:
        """As ``ListMessageMoveTasks`` gives it."""
        members = {
            "TaskHandle": self.handle if self.status == "RUNNING" else None,
            "Status": self.status,
            "SourceArn": self.source.arn,
            "DestinationArn": self.destination,
            "MaxNumberOfMessagesPerSecond": self.rate,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "FailureReason": self.failure,
            "StartedTimestamp": self.started_ms,
        }
        return {name: value for name, value in members.items() if value is not None}


class Moving:
    """Operations on move tasks."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tasks: list[Task] = []  # newest last

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "StartMessageMoveTask": self.start,
            "ListMessageMoveTasks": self.list,
            "CancelMessageMoveTask": self.cancel,
        }

    def reset(self) -> None:
        """Forget every task."""
        self._tasks.clear()

    async def start(self, call: Call) -> Mapping[str, Any]:
        """``StartMessageMoveTask``."""
        source = self._queue(required(call, "SourceArn"), "SourceArn")
        destination = call.params.get("DestinationArn")
        redrives = [queue.attributes.redrive for queue in self._state.queues()]
        if not any(redrive is not None and redrive.target == source.arn for redrive in redrives):
            raise invalid_value("Source queue must be configured as a Dead Letter Queue.")
        if destination:
            self._queue(destination, "DestinationArn")
        if any(task.source is source and task.status in _ACTIVE for task in self._tasks):
            raise invalid_value(
                "There is already a task running. Only one active task is allowed for a source queue arn at a "
                "given time."
            )
        rate = call.params.get("MaxNumberOfMessagesPerSecond")
        if rate is not None and not 1 <= rate <= MOST_PER_SECOND:  # the text is UNSOURCED
            raise invalid_value(f"MaxNumberOfMessagesPerSecond must be between 1 and {MOST_PER_SECOND}.")
        sandbox = self._state.sandbox
        started_ms, to_move = int(sandbox.clock.epoch() * 1000), source.counts()[0]
        task = Task(sandbox.ids.uuid(), source, destination, rate, to_move, started_ms)
        self._tasks.append(task)
        sandbox.spawn(self._run(task), f"sqs message move task {task.id}")
        return {"TaskHandle": task.handle}

    def _queue(self, arn: str, parameter: str) -> Queue:
        queue = self._state.by_arn(arn)
        if queue is None:
            text = f"The resource that you specified for the {parameter} parameter doesn't exist."
            raise not_found(text)
        return queue

    async def _run(self, task: Task) -> None:
        """AWS chooses the rate when none is given; here it is then all at once."""
        for message in task.source.all()[: task.to_move]:
            if task.rate is not None:
                await asyncio.sleep(1 / task.rate)
            if task.status == "CANCELLING":
                task.status = "CANCELLED"
                return
            if message.gone or message in task.source.hidden():
                continue
            target = self._state.by_arn(task.destination or message.source or "")
            if target is None:
                task.status, task.failure = "FAILED", "AWS.SimpleQueueService.NonExistentQueue"
                return
            task.source.forget(message, "message_moved")
            self._state.move(message, target, None)
            task.moved += 1
        task.status = "COMPLETED"

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListMessageMoveTasks``: the newest first, up to ten; by default one."""
        source = self._queue(required(call, "SourceArn"), "SourceArn")
        found = [task.shown() for task in reversed(self._tasks) if task.source is source]
        return {"Results": found[: call.params.get("MaxResults") or 1]}

    async def cancel(self, call: Call) -> Mapping[str, Any]:
        """``CancelMessageMoveTask``."""
        try:
            named = json.loads(base64.b64decode(required(call, "TaskHandle"), validate=True))
            task_id, source = named["taskId"], named["sourceArn"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise invalid_value("Value for parameter TaskHandle is invalid.") from None
        self._queue(source, "SourceArn")
        task = next((task for task in self._tasks if task.id == task_id), None)
        if task is None:
            raise not_found("Task does not exist.")
        if task.status == "RUNNING":
            task.status = "CANCELLING"
        return {"ApproximateNumberOfMessagesMoved": task.moved}
