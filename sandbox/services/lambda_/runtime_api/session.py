"""What the endpoints share: one life of an environment's processes, from their start to their end.

A session is in one phase at a time: initialization, an invocation, or none. A phase ends when the runtime and all
extensions wait for the next event, or with a :class:`~sandbox.services.lambda_.faults.Fault`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.services.lambda_.execution import Execution
from sandbox.services.lambda_.faults import Fault
from sandbox.services.lambda_.runtime_api.extensions import Extensions
from sandbox.services.lambda_.runtime_api.runtime_states import Ready, RuntimeState, Started

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionConfig


class Session:
    """The Runtime API's side of a set of processes. ``wrote(bytes)`` is told of each streamed chunk."""

    def __init__(
        self,
        function: FunctionConfig,
        account: str,
        extensions: Extensions,
        new_id: Callable[[], str],
        wrote: Callable[[str, int], None],
    ) -> None:
        self.function = function
        self.account = account
        self.extensions = extensions
        self.new_id = new_id
        self.wrote = wrote
        self.runtime: RuntimeState = Started()
        self.execution: Execution | None = None  # under way
        self._offered: Execution | None = None  # not yet fetched by the runtime
        self.broken_off = False  # the runtime's connection broke in the middle of a response
        self._changed = asyncio.Condition()
        self.phase: asyncio.Future[Fault | None] = asyncio.get_running_loop().create_future()

    # -- phases ------------------------------------------------------------------------------------

    def settle(self, fault: Fault | None = None) -> None:
        """The phase ends; only the first end counts."""
        if not self.phase.done():
            self.phase.set_result(fault)

    def begin(self, execution: Execution) -> None:
        """Hand out an invocation to the runtime and to the extensions that asked for it."""
        self.phase = asyncio.get_running_loop().create_future()
        self.execution = self._offered = execution
        for extension in self.extensions:
            if "INVOKE" in extension.events:
                extension.post(self.new_id(), self._invoke_event(execution))

    async def announce(self) -> None:
        """Wake the runtime that waits for what :meth:`begin` has put there."""
        async with self._changed:
            self._changed.notify_all()

    def _invoke_event(self, execution: Execution) -> dict[str, Any]:
        return {
            "eventType": "INVOKE",
            "deadlineMs": execution.deadline_ms,
            "requestId": execution.request_id,
            "invokedFunctionArn": execution.arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": execution.trace_id},
        }

    def shut_down(self, reason: str, deadline_ms: int) -> None:
        """Tell the extensions that asked for it that the environment ends."""
        event = {"eventType": "SHUTDOWN", "shutdownReason": reason, "deadlineMs": deadline_ms}
        for extension in self.extensions:
            if "SHUTDOWN" in extension.events:
                extension.post(self.new_id(), event)

    def check_idle(self) -> None:
        """End the phase when everybody waits."""
        if self._offered is None and isinstance(self.runtime, Ready) and self.extensions.idle:
            self.execution = None
            self.settle()

    # -- the runtime -------------------------------------------------------------------------------

    async def change(self, state: RuntimeState) -> None:
        """The runtime is in another state."""
        async with self._changed:
            self.runtime = state
            self._changed.notify_all()
        if isinstance(state, Ready):
            self.extensions.closed = True
            self.check_idle()

    async def break_off(self) -> None:
        """A response will not be completed."""
        async with self._changed:
            self.broken_off = True
            self._changed.notify_all()

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something that only state changes can bring about."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def take(self, abandoned: Callable[[], bool]) -> Execution | None:
        """The invocation that waits for the runtime, when there is one; ``None`` when its asker has gone."""
        await self.wait_for(lambda: self._offered is not None)
        execution = self._offered
        if execution is None or abandoned():
            return None
        self._offered = None
        self.runtime = self.runtime.running()
        return execution
