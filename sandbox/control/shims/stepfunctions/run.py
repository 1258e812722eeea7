"""Walking through a definition: one state after the other, retries and catchers, on the sandbox's clock."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, Sandbox
from sandbox.control.shims.stepfunctions.definition import Definition


class StateError(Exception):
    """A state failed. ``name``: its error name."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause


async def run(sandbox: Sandbox, definition: Definition, given: Any) -> Any:
    """The output of an execution for its input. Raises :class:`StateError`."""
    try:
        async with asyncio.timeout(definition.timeout_s):
            return await _walk(sandbox, definition, given)
    except TimeoutError as e:
        raise StateError("States.Timeout", "") from e


async def _walk(sandbox: Sandbox, definition: Definition, value: Any) -> Any:
    name = definition.start_at
    while True:
        state = definition.states[name]
        kind = state["Type"]
        if kind == "Fail":
            raise StateError(str(state.get("Error", "")), str(state.get("Cause", "")))
        if kind == "Succeed":
            return value
        following = state.get("Next")
        if kind == "Wait":
            await asyncio.sleep(state["Seconds"])
        elif kind == "Pass":
            value = state.get("Result", value)
        else:
            try:
                value = await _task(sandbox, state, value)
            except StateError as e:
                catcher = next((c for c in state.get("Catch", ()) if _means(c, e.name)), None)
                if catcher is None:
                    raise
                value, following = {"Error": e.name, "Cause": e.cause}, catcher["Next"]
        if following is None:
            return value
        name = following


async def _task(sandbox: Sandbox, state: Mapping[str, Any], value: Any) -> Any:
    """A task with its retries: each retrier counts its own attempts."""
    tried: Counter[int] = Counter()
    while True:
        try:
            return await _once(sandbox, state, value)
        except StateError as e:
            number, retrier = _retrier(state, e.name)
            if not retrier or tried[number] >= retrier.get("MaxAttempts", 3):
                raise
            pause = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** tried[number]
            tried[number] += 1
            await asyncio.sleep(min(pause, retrier.get("MaxDelaySeconds", pause)))


def _retrier(state: Mapping[str, Any], error: str) -> tuple[int, Mapping[str, Any]]:
    """The first retrier for an error, with its number; an empty one when there is none."""
    for number, retrier in enumerate(state.get("Retry", ())):
        if _means(retrier, error):
            return number, retrier
    return -1, {}


async def _once(sandbox: Sandbox, state: Mapping[str, Any], value: Any) -> Any:
    payload = json.dumps(value).encode()
    try:
        async with asyncio.timeout(state.get("TimeoutSeconds")):
            result = await sandbox.invoke(Invocation(state["Resource"], payload))
    except TimeoutError as e:
        raise StateError("States.Timeout", "") from e
    except AwsError as e:
        raise StateError(f"Lambda.{e.code}", e.message) from e
    said = result.payload.decode()
    if result.function_error is None:
        return json.loads(said or "null")
    failure = json.loads(said)
    raise StateError(str(failure.get("errorType") or "Lambda.Unknown"), said)


def _means(rule: Mapping[str, Any], error: str) -> bool:
    """Whether a retrier or catcher is for an error. ``States.TaskFailed``: any but a timeout."""
    names = rule.get("ErrorEquals", ())
    return (
        error in names
        or "States.ALL" in names
        or ("States.TaskFailed" in names and error != "States.Timeout")
    )
