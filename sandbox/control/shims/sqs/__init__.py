"""SQS, all of it ours: moto's reads the wall clock and waits in the thread that all of moto shares."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.call import Handler
from sandbox.control.shims.sqs.moving import Moving
from sandbox.control.shims.sqs.permissions import Permissions
from sandbox.control.shims.sqs.queues import Queues
from sandbox.control.shims.sqs.receiving import Receiving
from sandbox.control.shims.sqs.sending import Sending
from sandbox.control.shims.sqs.state import State
from sandbox.control.shims.sqs.types import typed

__all__ = ["Sqs", "State"]


class Sqs:
    """SQS: its state and its operations."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.sending = Sending(state)
        self._moving = Moving(state)
        self._parts = (Queues(state), self.sending, Receiving(state), Permissions(state), self._moving)

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        made: dict[str, Handler] = {}
        for part in self._parts:
            made.update(part.handlers())
        return {operation: typed(handler) for operation, handler in made.items()}

    def reset(self) -> None:
        """Forget everything."""
        self.state.reset()
        self._moving.reset()
