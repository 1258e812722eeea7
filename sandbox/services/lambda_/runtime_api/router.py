"""Which endpoint answers at a path, and what a call that does not fit is told."""

from __future__ import annotations

from sandbox.services.lambda_.runtime_api.http import Request
from sandbox.services.lambda_.runtime_api.init_error import init_error
from sandbox.services.lambda_.runtime_api.runtime_error import runtime_error
from sandbox.services.lambda_.runtime_api.runtime_next import runtime_next
from sandbox.services.lambda_.runtime_api.runtime_response import runtime_response
from sandbox.services.lambda_.runtime_api.runtime_states import ForbiddenTransitionError
from sandbox.services.lambda_.runtime_api.session import Session

RUNTIME = "/2018-06-01/runtime/"


async def route(session: Session, request: Request) -> None:
    """Answer one request of a process of the environment."""
    try:
        if not (request.path.startswith(RUNTIME) and await _runtime(session, request)):
            await request.answer(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")
    except ForbiddenTransitionError as error:
        await request.refuse(403, "InvalidStateTransition", str(error))


async def _runtime(session: Session, request: Request) -> bool:
    match request.method, request.path.removeprefix(RUNTIME).split("/"):
        case "GET", ["invocation", "next"]:
            await runtime_next(session, request)
        case "POST", ["invocation", request_id, "response"]:
            await runtime_response(session, request, request_id)
        case "POST", ["invocation", request_id, "error"]:
            await runtime_error(session, request, request_id)
        case "POST", ["init", "error"]:
            await init_error(session, request)
        case _:
            return False
    return True
