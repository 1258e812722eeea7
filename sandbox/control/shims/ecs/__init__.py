"""Elastic Container Service: clusters, task definitions, services and tasks on Fargate. Wholly ours."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.call import Handler
from sandbox.control.shims.ecs.state import State

__all__ = ["State", "handlers"]


def handlers(state: State) -> Mapping[str, Handler]:
    """The operations that there are; every other one is answered as not emulated."""
    # Imported when the service is first used: a sandbox that starts needs none of it.
    from sandbox.control.shims.ecs.clusters import Clusters
    from sandbox.control.shims.ecs.definitions import Definitions
    from sandbox.control.shims.ecs.services import Services
    from sandbox.control.shims.ecs.tags import Tags
    from sandbox.control.shims.ecs.tasks import Tasks

    parts = (Clusters, Definitions, Services, Tasks, Tags)
    made: dict[str, Handler] = {}
    for part in parts:
        made.update(part(state).handlers())
    return made
