"""``GET /2020-01-01/extension/event/next``: waits, however long, for INVOKE or SHUTDOWN."""

from __future__ import annotations

import json

from sandbox.services.lambda_.runtime_api.extensions import Extension
from sandbox.services.lambda_.runtime_api.http import Request
from sandbox.services.lambda_.runtime_api.runtime_states import ForbiddenTransitionError
from sandbox.services.lambda_.runtime_api.session import Session


async def extension_next(session: Session, request: Request, extension: Extension) -> None:
    """Answer with the extension's next event."""
    try:
        extension.state = extension.state.ready(extension.id)
    except ForbiddenTransitionError as error:
        await request.refuse(403, "Extension.InvalidExtensionState", str(error))
        return
    session.check_idle()
    event_id, event = await extension.take()
    await request.answer(200, json.dumps(event).encode(), {"Lambda-Extension-Event-Identifier": event_id})
