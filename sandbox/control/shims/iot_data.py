"""``iot-data``: handed to the broker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.context import IotDataPlane, Sandbox
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.iot.state import check

OPERATIONS = (
    "Publish",
    "GetRetainedMessage",
    "ListRetainedMessages",
    "SendDirectMessage",
    "GetConnection",
    "DeleteConnection",
    "ListSubscriptions",
    "GetThingShadow",
    "UpdateThingShadow",
    "DeleteThingShadow",
    "ListNamedShadowsForThing",
)


class IotData:
    """Passes each operation on, with who calls."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return dict.fromkeys(OPERATIONS, self.ask)

    async def ask(self, call: Call) -> Mapping[str, Any] | None:
        """Let the broker do it, once the parameters are within their bounds."""
        check(call)
        broker = self._sandbox.services.get("iot")
        if not isinstance(broker, IotDataPlane):
            raise NotEmulatedError("iot-data without the IoT service")
        return await broker.data(call.operation.name, call.params, call.target.access_key)
