"""What a container prints: a file of the sandbox's, the timeline, and CloudWatch Logs by ``awslogs``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox

PUBLISH = 5.0  # seconds from a line to CloudWatch, as Docker's awslogs driver publishes
_KEPT = 20  # last lines, for those who ask why a task ended


class LogError(Exception):
    """The log cannot be written; the text is the reason with which the task stops."""


class ContainerLog:
    """The lines of one container. ``options``: of its ``logConfiguration``; ``None`` when it has none."""

    def __init__(
        self, sandbox: Sandbox, task: str, container: str, file: Path, options: Mapping[str, Any] | None
    ) -> None:
        self._sandbox = sandbox
        self._task = task
        self._container = container
        self._file = file
        self._options = options
        self._stream = ""
        self._batch: list[dict[str, Any]] = []
        self._timer: asyncio.TimerHandle | None = None
        self.last: list[str] = []

    async def open(self) -> None:
        """Make the log stream. Raises :class:`LogError`."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.touch()
        if self._options is None:
            return
        group = self._options.get("awslogs-group", "")
        prefix = self._options.get("awslogs-stream-prefix", "")
        self._stream = f"{prefix}/{self._container}/{self._task}" if prefix else self._task
        call = self._sandbox.control.call
        try:
            if self._options.get("awslogs-create-group") == "true":
                await _once(call("logs", "CreateLogGroup", logGroupName=group))
            await _once(call("logs", "CreateLogStream", logGroupName=group, logStreamName=self._stream))
        except AwsError as error:
            raise LogError(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 "
                f"times: failed to create Cloudwatch log stream: {error.code}: {error.message}"
            ) from error

    def line(self, data: bytes) -> None:
        """A line that the process wrote."""
        text = data.decode("utf-8", "replace").rstrip("\r")
        self.last = [*self.last[-_KEPT + 1 :], text]
        self._sandbox.timeline.record("ecs", "log", self._task, container=self._container, line=text)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
        if self._options is None or not text:
            return
        self._batch.append({"timestamp": int(self._sandbox.clock.epoch() * 1000), "message": text})
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PUBLISH, self._publish)

    def _publish(self) -> None:
        self._timer = None
        if self._batch:
            self._sandbox.spawn(self.flush(), f"log of {self._task}")

    async def flush(self) -> None:
        """Send what is new to CloudWatch Logs."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._batch = self._batch, []
        if not batch or self._options is None:
            return
        try:
            await self._sandbox.control.call(
                "logs",
                "PutLogEvents",
                logGroupName=self._options["awslogs-group"],
                logStreamName=self._stream,
                logEvents=batch,
            )
        except AwsError as error:  # its group was deleted: the driver loses the lines, too
            self._sandbox.timeline.record("ecs", "log_refused", self._task, error=str(error))

    def close(self) -> None:
        """No timer is left behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


async def _once(creation: Any) -> None:
    try:
        await creation
    except AwsError as error:
        if error.code != "ResourceAlreadyExistsException":
            raise
