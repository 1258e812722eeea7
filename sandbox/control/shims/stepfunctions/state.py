"""The records of state machines and their executions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.shims.stepfunctions.definition import Definition


@dataclass(slots=True)
class Machine:
    """A state machine. ``text``: its definition as given; ``definition``: the same, read."""

    arn: str
    name: str
    role: str
    text: str
    definition: Definition
    created: datetime
    more: dict[str, Any]  # logging, tracing, encryption: kept and shown
    tags: dict[str, str]


@dataclass(slots=True)
class Execution:
    """One run. ``status``: RUNNING, SUCCEEDED, FAILED or ABORTED."""

    arn: str
    name: str
    machine: Machine
    given: str
    started: datetime
    status: str = "RUNNING"
    stopped: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class State:
    """All of them, and the sandbox that they belong to."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.machines: dict[str, Machine] = {}
        self.executions: dict[str, Execution] = {}

    def reset(self) -> None:
        """Forget everything and end what runs."""
        for execution in self.executions.values():
            if execution.task is not None:
                execution.task.cancel()
        self.machines.clear()
        self.executions.clear()

    def arn(self, kind: str, name: str) -> str:
        """An ARN of this service."""
        settings = self.sandbox.settings
        return f"arn:aws:states:{settings.region}:{settings.account}:{kind}:{name}"

    def machine(self, arn: str) -> Machine:
        """By ARN. Raises ``AwsError``."""
        found = self.machines.get(arn)
        if found is None:
            raise AwsError(400, "StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return found

    def execution(self, arn: str) -> Execution:
        """By ARN. Raises ``AwsError``."""
        found = self.executions.get(arn)
        if found is None:
            raise AwsError(400, "ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return found
