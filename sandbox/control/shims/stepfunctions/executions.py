"""Operations on executions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.stepfunctions.run import StateError, run
from sandbox.control.shims.stepfunctions.state import Execution, State
from sandbox.control.validation import validate


class Executions:
    """Start, look, stop, list."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "StartExecution": self.start,
            "DescribeExecution": self.describe,
            "StopExecution": self.stop,
            "ListExecutions": self.list,
        }

    async def start(self, call: Call) -> Mapping[str, Any]:
        """``StartExecution``: answers at once."""
        validate(call.operation.model, call.params)
        given, state = call.params, self._state
        machine = state.machine(given["stateMachineArn"])
        text = given.get("input") or "{}"
        try:
            value = json.loads(text)
        except ValueError as e:
            raise AwsError(
                400, "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{e}'"
            ) from e
        name = given.get("name") or state.sandbox.ids.uuid()
        arn = state.arn("execution", f"{machine.name}:{name}")
        found = state.executions.get(arn)
        if found is not None:
            if found.status == "RUNNING" and found.given == text:
                return {"executionArn": arn, "startDate": found.started}
            raise AwsError(400, "ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        made = Execution(arn, name, machine, text, state.sandbox.clock.utcnow())
        state.executions[arn] = made
        made.task = state.sandbox.spawn(self._run(made, value), f"execution {name} of {machine.name}")
        return {"executionArn": arn, "startDate": made.started}

    async def _run(self, execution: Execution, value: Any) -> None:
        sandbox = self._state.sandbox
        try:
            execution.output = json.dumps(await run(sandbox, execution.machine.definition, value))
            execution.status = "SUCCEEDED"
        except StateError as e:
            execution.status = "TIMED_OUT" if e.name == "States.Timeout" else "FAILED"
            execution.error, execution.cause = e.name, e.cause
        execution.stopped = sandbox.clock.utcnow()

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeExecution``."""
        found = self._state.execution(call.params["executionArn"])
        shown = {"output": found.output, "error": found.error, "cause": found.cause}
        return {
            **_listed(found),
            "input": found.given,
            **{name: value for name, value in shown.items() if value is not None},
        }

    async def stop(self, call: Call) -> Mapping[str, Any]:
        """``StopExecution``: what its function is doing goes on."""
        found = self._state.execution(call.params["executionArn"])
        if found.status == "RUNNING" and found.task is not None:
            found.error, found.cause = call.params.get("error"), call.params.get("cause")
            found.status, found.stopped = "ABORTED", self._state.sandbox.clock.utcnow()
            found.task.cancel()
        return {"stopDate": found.stopped}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListExecutions``, the newest first."""
        given = call.params
        machine = self._state.machine(given["stateMachineArn"])
        status = given.get("statusFilter")
        known = [
            execution
            for execution in reversed(self._state.executions.values())
            if execution.machine is machine and status in (None, execution.status)
        ]
        shown, more = page(known, given.get("maxResults"), given.get("nextToken"), 100)
        return {"executions": [_listed(execution) for execution in shown], "nextToken": more}


def _listed(execution: Execution) -> dict[str, Any]:
    stopped = {} if execution.stopped is None else {"stopDate": execution.stopped}
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.started,
        **stopped,
    }
