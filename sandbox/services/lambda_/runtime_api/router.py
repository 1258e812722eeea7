"""Which endpoint answers at a path, and what a call that does not fit is told."""

from __future__ import annotations

import uuid

from sandbox.services.lambda_.runtime_api.extension_error import extension_error
from sandbox.services.lambda_.runtime_api.extension_next import extension_next
from sandbox.services.lambda_.runtime_api.extension_register import extension_register
from sandbox.services.lambda_.runtime_api.http import Request
from sandbox.services.lambda_.runtime_api.init_error import init_error
from sandbox.services.lambda_.runtime_api.runtime_error import runtime_error
from sandbox.services.lambda_.runtime_api.runtime_next import runtime_next
from sandbox.services.lambda_.runtime_api.runtime_response import runtime_response
from sandbox.services.lambda_.runtime_api.runtime_states import ForbiddenTransitionError
from sandbox.services.lambda_.runtime_api.session import Session
from sandbox.services.lambda_.runtime_api.telemetry import PATHS, telemetry

RUNTIME = "/2018-06-01/runtime/"
EXTENSION = "/2020-01-01/extension/"


async def route(session: Session, request: Request) -> None:
    """Answer one request of a process of the environment."""
    known = False
    try:
        if request.path.startswith(RUNTIME):
            known = await _runtime(session, request)
        elif request.path.startswith(EXTENSION):
            known = await _extension(session, request)
        elif request.method == "PUT" and request.path in PATHS:
            await telemetry(request)
            known = True
    except ForbiddenTransitionError as error:
        await request.refuse(403, "InvalidStateTransition", str(error))
        return
    if not known:
        await request.answer(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")


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


async def _extension(session: Session, request: Request) -> bool:
    match request.method, request.path.removeprefix(EXTENSION).split("/"):
        case "POST", ["register"]:
            await extension_register(session, request)
        case ("GET", ["event", "next"]) | ("POST", ["init" | "exit", "error"]):
            await _identified(session, request)
        case _:
            return False
    return True


async def _identified(session: Session, request: Request) -> None:
    """A call of an extension that has registered."""
    identifier = request.headers.get("lambda-extension-identifier", "")
    if not identifier:
        text = "Missing Lambda-Extension-Identifier header"
        await request.refuse(403, "Extension.MissingExtensionIdentifier", text)
        return
    try:
        uuid.UUID(identifier)
    except ValueError:
        text = "Invalid Lambda-Extension-Identifier"
        await request.refuse(403, "Extension.InvalidExtensionIdentifier", text)
        return
    extension = session.extensions.identified(identifier)
    if extension is None:
        await request.refuse(403, "Extension.UnknownExtensionIdentifier", f"Unknown extension {identifier}")
    elif request.method == "GET":
        await extension_next(session, request, extension)
    else:
        await extension_error(session, request, extension, request.path.split("/")[-2])
