"""Elastic Load Balancing v2: Application Load Balancers, their listeners, rules and target groups. Wholly ours."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.call import Handler
from sandbox.control.shims.elbv2.state import State

__all__ = ["State", "handlers"]


def handlers(state: State) -> Mapping[str, Handler]:
    """The operations that there are; every other one is answered as not emulated."""
    # Imported when the service is first used: a sandbox that starts needs none of it.
    from sandbox.control.shims.elbv2.listeners import Listeners
    from sandbox.control.shims.elbv2.load_balancers import LoadBalancers
    from sandbox.control.shims.elbv2.rules import Rules
    from sandbox.control.shims.elbv2.tags import Tags
    from sandbox.control.shims.elbv2.target_groups import TargetGroups
    from sandbox.control.shims.elbv2.targets import Targets

    parts = (LoadBalancers, TargetGroups, Targets, Listeners, Rules, Tags)
    made: dict[str, Handler] = {}
    for part in parts:
        made.update(part(state).handlers())
    return made
