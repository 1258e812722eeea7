"""What a story does to the sandbox itself at an instant."""

from __future__ import annotations

import asyncio
import signal

from sandbox.context import Sandbox
from sandbox.stories.clients.base import Stage, StoryFailedError
from sandbox.stories.model import Action, ApiCall
from sandbox.stories.processes import send_signal


async def act(action: Action, sandbox: Sandbox, stage: Stage) -> None:
    """Wait for the action's instant and do it; raises ``StoryFailedError`` when it cannot be done."""
    await asyncio.sleep(action.at)
    for target, number in (
        (action.kill, signal.SIGKILL),
        (action.freeze, signal.SIGSTOP),
        (action.thaw, signal.SIGCONT),
    ):
        if target is not None and not send_signal(target.function, number):
            raise StoryFailedError(f"no process of a function {target.function!r} runs at {action.at:g} s")
    if action.advance is not None:
        await sandbox.clock.advance(action.advance)
    elif action.configure is not None:
        call = ApiCall(service="lambda", operation="UpdateFunctionConfiguration", params=action.configure)
        await call.make(sandbox.control, stage)
    elif action.call is not None:
        await action.call.make(sandbox.control, stage)
    elif action.model is not None:
        sandbox.model.configure(**action.model.values())
