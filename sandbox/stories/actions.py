"""What a story does to the sandbox itself at an instant."""

from __future__ import annotations

import asyncio

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.stories.clients.base import StoryFailedError
from sandbox.stories.model import Action


async def act(action: Action, sandbox: Sandbox) -> None:
    """Wait for the action's instant and do it; raises ``StoryFailedError`` when it cannot be done."""
    await asyncio.sleep(action.at)
    if action.advance is not None:
        await sandbox.clock.advance(action.advance)
    elif action.configure is not None:
        try:
            await sandbox.control.call("lambda", "UpdateFunctionConfiguration", **action.configure)
        except AwsError as error:
            raise StoryFailedError(f"UpdateFunctionConfiguration: {error}") from error
