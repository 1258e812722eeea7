"""``POST /2020-01-01/extension/init/error`` and ``.../exit/error``: an extension gives up, and the phase with it."""

from __future__ import annotations

from sandbox.services.lambda_ import faults
from sandbox.services.lambda_.runtime_api.extensions import Extension
from sandbox.services.lambda_.runtime_api.http import Request
from sandbox.services.lambda_.runtime_api.runtime_states import ForbiddenTransitionError
from sandbox.services.lambda_.runtime_api.session import Session

HEADER = "lambda-extension-function-error-type"


async def extension_error(session: Session, request: Request, extension: Extension, when: str) -> None:
    """``when``: "init" or "exit"."""
    await request.body()
    type_ = request.headers.get(HEADER, "")
    if not type_:
        await request.refuse(403, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
        return
    state = extension.state
    try:
        extension.state = (state.init_error if when == "init" else state.exit_error)(extension.id)
    except ForbiddenTransitionError as error:
        await request.refuse(403, "Extension.InvalidExtensionState", str(error))
        return
    await request.accepted()
    request_id = session.execution.request_id if session.execution else ""
    if not type_.startswith("Extension."):
        type_ = "Extension.InitError" if when == "init" else "Extension.ExitError"
    session.settle(faults.extension_failed(request_id, type_, f"extension {extension.name} reported {type_}"))
