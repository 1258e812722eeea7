"""``POST /2020-01-01/extension/register``. Errors as AWS's emulator words them."""

from __future__ import annotations

import json

from sandbox.services.lambda_.runtime_api.extensions import MAX_EXTENSIONS, Extension
from sandbox.services.lambda_.runtime_api.http import Request
from sandbox.services.lambda_.runtime_api.runtime_states import ForbiddenTransitionError
from sandbox.services.lambda_.runtime_api.session import Session

EVENTS = {True: frozenset(("INVOKE", "SHUTDOWN")), False: frozenset(("INVOKE",))}  # external, internal


class RefusedError(Exception):
    """403 with this type and message."""

    def __init__(self, type_: str, message: str) -> None:
        super().__init__(message)
        self.type = type_


async def extension_register(session: Session, request: Request) -> None:
    """Register an extension: one with a process of its own, or one inside the runtime's process."""
    name = request.headers.get("lambda-extension-name", "")
    body = await request.body()
    try:
        if not name:
            raise RefusedError("Extension.InvalidExtensionName", "Empty extension name")
        events = _events(body)
        extension = session.extensions.named(name) or _internal(session, name, events)
        _check_events(extension.external, events)
        _register(session, extension, events)
    except RefusedError as error:
        await request.refuse(403, error.type, str(error))
        return
    function = session.function
    answer = {
        "functionName": function.name,
        "functionVersion": function.version,
        "handler": function.handler,
    }
    features = request.headers.get("lambda-extension-accept-feature", "").split(",")
    if "accountId" in (f.strip() for f in features):
        answer["accountId"] = session.account
    await request.answer_json(200, answer, {"Lambda-Extension-Identifier": extension.id})


def _events(body: bytes) -> list[str]:
    try:
        parsed = json.loads(body)
        events = parsed.get("events") or []
        keys = parsed.get("configurationKeys")
    except (ValueError, AttributeError) as error:
        raise RefusedError("InvalidRequestFormat", str(error)) from None
    if keys:
        raise RefusedError(
            "InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead"
        )
    if not isinstance(events, list) or not all(isinstance(e, str) for e in events):
        raise RefusedError("InvalidRequestFormat", "events is not a list of texts")
    return events


def _check_events(external: bool, events: list[str]) -> None:
    for event in events:
        if event not in EVENTS[external]:
            known = event in EVENTS[True]
            reason = "ShutdownEventNotSupportedForInternalExtension" if known else "InvalidEventType"
            raise RefusedError("Extension.InvalidEventType", f"{event}: {reason}")


def _internal(session: Session, name: str, events: list[str]) -> Extension:
    _check_events(False, events)
    if session.extensions.closed:
        raise RefusedError("Extension.RegistrationClosed", "Extension registration closed already")
    if len(session.extensions) >= MAX_EXTENSIONS:
        raise RefusedError("Extension.TooManyExtensions", f"Extension limit ({MAX_EXTENSIONS}) reached")
    return session.extensions.add_internal(name)


def _register(session: Session, extension: Extension, events: list[str]) -> None:
    try:
        session.extensions.register(extension, frozenset(events))
    except ForbiddenTransitionError as error:
        if not extension.external:
            text = "Extension with this name already registered"
            raise RefusedError("Extension.InvalidExtensionState", text) from None
        raise RefusedError("Extension.InvalidExtensionState", str(error)) from None
