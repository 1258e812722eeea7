"""The log of one environment: lines as Lambda writes them, the tail for the caller, CloudWatch in the background."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.services.lambda_.faults import Fault

TAIL = 4096  # bytes: botocore, lambda 2015-03-31, InvocationResponse.LogResult


@dataclass(frozen=True, slots=True)
class Report:
    """The numbers of a REPORT line. Durations in ms, memory in MB."""

    duration_ms: float
    billed_ms: int
    memory_mb: int
    used_mb: int
    init_ms: float | None
    fault: Fault | None


class EnvironmentLog:
    """Text log format. Times are the sandbox's."""

    def __init__(self, sandbox: Sandbox, function: str, group: str, stream: str) -> None:
        self._sandbox = sandbox
        self._function = function
        self.group = group
        self.stream = stream
        self._tail = bytearray()
        self._batch: list[dict[str, Any]] = []
        self._created = False
        self._shipping = False

    def now(self) -> str:
        """The sandbox's instant as log lines print it."""
        return self._sandbox.clock.utcnow().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def output(self, line: bytes) -> None:
        """A line that a process wrote. The interface clients write "\\r" for a line break."""
        text = line.decode("utf-8", "replace").rstrip("\r").replace("\r", "\n")
        self._sandbox.timeline.record("lambda", "log", self.stream, function=self._function, line=text)
        self._add(f"{text}\n")

    def _add(self, text: str) -> None:
        self._tail += text.encode()
        self._batch.append({"timestamp": int(self._sandbox.clock.epoch() * 1000), "message": text})

    # -- the platform's own lines ------------------------------------------------------------------

    def init_report(self, phase: str, init_ms: float, status: str, error_type: str = "") -> None:
        """An initialization that failed."""
        tail = f"\tError Type: {error_type}" if error_type else ""
        self._add(f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}\tStatus: {status}{tail}\n")

    def start(self, request_id: str, version: str) -> None:
        """An invocation begins."""
        self._add(f"START RequestId: {request_id} Version: {version}\n")

    def end(self, request_id: str, report: Report) -> None:
        """An invocation ended."""
        if report.fault is not None and report.fault.log_line:
            self._add(f"{report.fault.log_line}\n")
        self._add(f"END RequestId: {request_id}\n")
        parts = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {report.duration_ms:.2f} ms",
            f"Billed Duration: {report.billed_ms} ms",
            f"Memory Size: {report.memory_mb} MB",
            f"Max Memory Used: {report.used_mb} MB",
        ]
        if report.init_ms is not None:
            parts.append(f"Init Duration: {report.init_ms:.2f} ms")
        line = "\t".join(parts) + "\t"
        if report.fault is not None and report.fault.log_line:
            line += f"Status: {report.fault.status}"
            line += f"\tError Type: {report.fault.type}" if report.fault.status == "error" else ""
        self._add(f"{line}\n")

    # -- where it goes -----------------------------------------------------------------------------

    def take_tail(self) -> str:
        """The end of what was logged since the last call, in base64, as ``X-Amz-Log-Result`` has it."""
        tail = base64.b64encode(bytes(self._tail[-TAIL:])).decode()
        self._tail.clear()
        return tail

    def ship(self) -> None:
        """Send what is new to CloudWatch Logs; nobody waits for it."""
        if self._batch and not self._shipping:
            self._shipping = True
            self._sandbox.spawn(self._ship(), f"log of {self._function}")

    async def _ship(self) -> None:
        try:
            while self._batch:
                batch, self._batch = self._batch, []
                await self._put(batch)
        except AwsError as error:
            self._sandbox.timeline.record(
                "lambda", "log_refused", self.stream, function=self._function, error=str(error)
            )
        finally:
            self._shipping = False

    async def _put(self, batch: list[dict[str, Any]]) -> None:
        call = self._sandbox.control.call
        if not self._created:
            await self._create("CreateLogGroup", logGroupName=self.group)
            await self._create("CreateLogStream", logGroupName=self.group, logStreamName=self.stream)
            self._created = True
        await call(
            "logs", "PutLogEvents", logGroupName=self.group, logStreamName=self.stream, logEvents=batch
        )

    async def _create(self, operation: str, **names: str) -> None:
        try:
            await self._sandbox.control.call("logs", operation, **names)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise
