"""Step Functions as far as the waiters of custom resources need it: tasks that are Lambda functions. Wholly ours."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.call import Handler
from sandbox.control.shims.stepfunctions.state import State

__all__ = ["State", "handlers"]


def handlers(state: State) -> Mapping[str, Handler]:
    """The operations that there are; every other one is answered as not emulated."""
    from sandbox.control.shims.stepfunctions.executions import Executions
    from sandbox.control.shims.stepfunctions.machines import Machines

    return {**Machines(state).handlers(), **Executions(state).handlers()}
