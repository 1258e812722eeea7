"""IoT's control plane: policies, authorizers, topic rules and endpoints are ours, all else is moto's."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.call import Handler
from sandbox.control.shims.iot.reading import IotRead
from sandbox.control.shims.iot.state import State
from sandbox.control.shims.iot.things import Things

__all__ = ["IotRead", "State", "handlers"]


def handlers(state: State) -> Mapping[str, Handler]:
    """The operations that are ours."""
    # Imported when the service is first used: a sandbox that starts needs none of it.
    from sandbox.control.shims.iot.authorizers import Authorizers
    from sandbox.control.shims.iot.endpoint import Endpoint
    from sandbox.control.shims.iot.policies import Policies
    from sandbox.control.shims.iot.rules import Rules

    parts = (Policies(state), Authorizers(state), Rules(state), Endpoint(state), Things(state))
    return {name: handler for part in parts for name, handler in part.handlers().items()}
