"""Lambda's control plane, all of it ours: moto's knows no qualifiers of URLs, policies and event settings."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.call import Handler
from sandbox.control.shims.lambda_.state import State

__all__ = ["State", "handlers"]


def handlers(state: State) -> Mapping[str, Handler]:
    """Lambda's operations."""
    # Imported when the service is first used: a sandbox that starts needs none of it.
    from sandbox.control.shims.lambda_.aliases import Aliases
    from sandbox.control.shims.lambda_.concurrency import Concurrency
    from sandbox.control.shims.lambda_.event_invoke import EventInvoke
    from sandbox.control.shims.lambda_.event_sources import EventSourceMappings
    from sandbox.control.shims.lambda_.extras import Extras
    from sandbox.control.shims.lambda_.functions import Functions
    from sandbox.control.shims.lambda_.layers import Layers
    from sandbox.control.shims.lambda_.permissions import Permissions
    from sandbox.control.shims.lambda_.urls import Urls
    from sandbox.control.shims.lambda_.versions import Versions

    made: dict[str, Handler] = {}
    parts = (Functions, Versions, Aliases, Layers, Permissions, Urls, Concurrency, EventInvoke)
    for part in (*parts, EventSourceMappings, Extras):
        made.update(part(state).handlers())
    return made
