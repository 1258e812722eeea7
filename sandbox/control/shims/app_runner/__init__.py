"""App Runner: services from images, and how they scale. Wholly ours."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.app_runner.scalings import Scalings
from sandbox.control.shims.app_runner.services import Services
from sandbox.control.shims.app_runner.state import State
from sandbox.control.shims.call import Handler

__all__ = ["State", "handlers"]


def handlers(state: State) -> Mapping[str, Handler]:
    """The operations that there are; every other one is answered as not emulated."""
    return {**Scalings(state).handlers(), **Services(state).handlers()}
