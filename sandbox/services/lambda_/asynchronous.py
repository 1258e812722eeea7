"""Asynchronous invocations: Lambda's own queue, its retries, and what becomes of events (facts 4.25).

A function error is tried again after one and then after two minutes; a throttle after a growing delay until the event
is too old, without counting as an attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, InvocationResult, Sandbox
from sandbox.services.lambda_ import destinations

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionConfig

Run = Callable[[Invocation], Awaitable[InvocationResult]]
Find = Callable[[Invocation], Awaitable["FunctionConfig"]]


class EventQueue:
    """Takes events. ``run``: one synchronous attempt; ``find``: the function as it is configured now."""

    def __init__(self, sandbox: Sandbox, run: Run, find: Find) -> None:
        self._sandbox = sandbox
        self._run = run
        self._find = find

    def put(self, invocation: Invocation) -> str:
        """Queue an event; its request id, which all its attempts have."""
        request_id = invocation.request_id or self._sandbox.ids.uuid()
        attempt = replace(invocation, type="RequestResponse", request_id=request_id)
        event = _Event(self._sandbox, attempt, self._run, self._find)
        self._sandbox.spawn(event.process(), f"event {request_id}")
        return request_id


class _Event:
    """One event until it is done with."""

    def __init__(self, sandbox: Sandbox, attempt: Invocation, run: Run, find: Find) -> None:
        self._sandbox = sandbox
        self._attempt = attempt
        self._run = run
        self._find = find
        self._queued_at = sandbox.clock.now()
        self._attempts = 0

    @property
    def _request_id(self) -> str:
        assert self._attempt.request_id is not None
        return self._attempt.request_id

    async def process(self) -> None:
        """Try until it worked, or retries or age are used up; then tell where it is to be told."""
        value = self._sandbox.limits.value
        throttle_delay = float(value("lambda.async.throttle_delay.first"))
        result: InvocationResult | None = None
        while True:
            try:
                function = await self._find(self._attempt)
                result = await self._run(self._attempt)
            except AwsError as error:
                if error.status == 404:
                    return self._record("event_dropped", reason=error.code)
                delay = throttle_delay
                throttle_delay = min(throttle_delay * 2, float(value("lambda.async.throttle_delay.max")))
            else:
                self._attempts += 1
                if result.function_error is None:
                    return await self._done(function, "Success", result)
                if self._attempts > function.retry_attempts:
                    return await self._done(function, "RetriesExhausted", result)
                which = "first" if self._attempts == 1 else "second"
                delay = float(value(f"lambda.async.retry_delay.{which}"))
            age = self._sandbox.clock.now() - self._queued_at
            if age + delay > function.max_event_age_s:
                await asyncio.sleep(max(0.0, function.max_event_age_s - age))
                return await self._done(function, "EventAgeExceeded", result)
            self._record("retry_scheduled", delay_s=delay)
            await asyncio.sleep(delay)

    def _record(self, name: str, **data: object) -> None:
        self._sandbox.timeline.record(
            "lambda", name, self._request_id, function=self._attempt.function, **data
        )

    async def _done(self, function: FunctionConfig, condition: str, result: InvocationResult | None) -> None:
        good = condition == "Success"
        target = function.on_success if good else function.on_failure
        sent = destinations.record(
            self._sandbox,
            f"{function.arn}:{self._attempt.qualifier or '$LATEST'}",
            self._attempt.payload,
            self._request_id,
            condition,
            self._attempts,
            result,
        )
        if target:
            await self._send(target, condition, destinations.deliver(self._sandbox, target, sent))
        if function.dead_letter and not good:
            error = result.payload.decode("utf-8", "replace") if result else condition
            letter = destinations.dead_letter(
                self._sandbox, function.dead_letter, self._attempt.payload, self._request_id, error
            )
            await self._send(function.dead_letter, condition, letter)

    async def _send(self, target: str, condition: str, sending: Awaitable[None]) -> None:
        """A destination that refuses loses the record, as on AWS; here the timeline shows it."""
        try:
            await sending
            self._record("destination_sent", destination=target, condition=condition)
        except AwsError as error:
            self._record("destination_refused", destination=target, error=str(error))
