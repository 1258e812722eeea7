"""The states of a runtime, one type each: every transition is forbidden unless a state says otherwise.

Names and permitted transitions are those of AWS's runtime interface emulator (``core/states.go``).
"""

from __future__ import annotations


class ForbiddenTransitionError(Exception):
    """A call that does not fit the state: 403 ``InvalidStateTransition``."""

    def __init__(self, source: str, target: str, who: str = "runtime") -> None:
        super().__init__(
            f"State transition from {source} to {target} failed for {who}. "
            "Error: State transition is not allowed"
        )


class RuntimeState:
    """What may happen next; by default nothing."""

    name = ""

    def ready(self) -> RuntimeState:
        """The runtime asked for the next invocation."""
        raise ForbiddenTransitionError(self.name, "Ready")

    def running(self) -> RuntimeState:
        """An invocation was handed out."""
        raise ForbiddenTransitionError(self.name, "Running")

    def init_error(self) -> RuntimeState:
        """The runtime reported that it cannot start."""
        raise ForbiddenTransitionError(self.name, "InitError")

    def response(self) -> RuntimeState:
        """The runtime began to send a response."""
        raise ForbiddenTransitionError(self.name, "InvocationResponse")

    def error_response(self) -> RuntimeState:
        """The runtime began to send an error."""
        raise ForbiddenTransitionError(self.name, "InvocationErrorResponse")

    def response_sent(self) -> RuntimeState:
        """The response or error is complete."""
        raise ForbiddenTransitionError(self.name, "RuntimeResponseSentState")


class Started(RuntimeState):
    """The process runs its initialization."""

    name = "Started"

    def ready(self) -> RuntimeState:
        return Ready()

    def init_error(self) -> RuntimeState:
        return InitError()


class InitError(RuntimeState):
    """The initialization failed."""

    name = "InitError"


class Ready(RuntimeState):
    """The runtime waits for an invocation."""

    name = "Ready"

    def ready(self) -> RuntimeState:
        return self

    def running(self) -> RuntimeState:
        return Running()


class Running(RuntimeState):
    """The function runs."""

    name = "Running"

    def ready(self) -> RuntimeState:
        return self  # asking again gives the same invocation again

    def response(self) -> RuntimeState:
        return InvocationResponse()

    def error_response(self) -> RuntimeState:
        return InvocationErrorResponse()


class InvocationResponse(RuntimeState):
    """A response is being sent."""

    name = "InvocationResponse"

    def response_sent(self) -> RuntimeState:
        return ResponseSent()


class InvocationErrorResponse(RuntimeState):
    """An error is being sent."""

    name = "InvocationErrorResponse"

    def response_sent(self) -> RuntimeState:
        return ResponseSent()


class ResponseSent(RuntimeState):
    """The response is complete; the runtime has not asked for more yet."""

    name = "RuntimeResponseSentState"

    def ready(self) -> RuntimeState:
        return Ready()
