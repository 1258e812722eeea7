"""The states of an extension, one type each (AWS's emulator: ``core/externalagent_states.go``)."""

from __future__ import annotations

from sandbox.services.lambda_.runtime_api.runtime_states import ForbiddenTransitionError


class ExtensionState:
    """What may happen next; by default nothing."""

    name = ""

    def registered(self, who: str) -> ExtensionState:
        raise ForbiddenTransitionError(self.name, "Registered", f"extension {who}")

    def ready(self, who: str) -> ExtensionState:
        raise ForbiddenTransitionError(self.name, "Ready", f"extension {who}")

    def init_error(self, who: str) -> ExtensionState:
        raise ForbiddenTransitionError(self.name, "InitError", f"extension {who}")

    def exit_error(self, who: str) -> ExtensionState:
        raise ForbiddenTransitionError(self.name, "ExitError", f"extension {who}")


class ExtensionStarted(ExtensionState):
    """Its process runs, or nothing is known of it yet."""

    name = "Started"

    def registered(self, who: str) -> ExtensionState:
        return ExtensionRegistered()


class ExtensionRegistered(ExtensionState):
    """It registered and initializes."""

    name = "Registered"

    def ready(self, who: str) -> ExtensionState:
        return ExtensionReady()

    def init_error(self, who: str) -> ExtensionState:
        return ExtensionInitError()

    def exit_error(self, who: str) -> ExtensionState:
        return ExtensionExitError()


class ExtensionReady(ExtensionState):
    """It waits for an event."""

    name = "Ready"

    def exit_error(self, who: str) -> ExtensionState:
        return ExtensionExitError()


class ExtensionRunning(ExtensionState):
    """It works on an event."""

    name = "Running"

    def ready(self, who: str) -> ExtensionState:
        return ExtensionReady()

    def exit_error(self, who: str) -> ExtensionState:
        return ExtensionExitError()


class ExtensionInitError(ExtensionState):
    """It said that it cannot start; saying so again changes nothing."""

    name = "InitError"

    def init_error(self, who: str) -> ExtensionState:
        return self


class ExtensionExitError(ExtensionState):
    """It said that it gives up; saying so again changes nothing."""

    name = "ExitError"

    def exit_error(self, who: str) -> ExtensionState:
        return self
