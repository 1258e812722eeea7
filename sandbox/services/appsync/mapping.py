"""Handlers of resolvers and pipeline functions: JavaScript, or a mapping template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sandbox.aws import appsync_js
from sandbox.aws.errors import NotEmulatedError
from sandbox.services.appsync.errors import FieldError, entry, not_authorized

if TYPE_CHECKING:
    from sandbox.aws.appsync_js import Outcome, Reported
    from sandbox.aws.vtl.appsync import Templates
    from sandbox.context import Sandbox
    from sandbox.control.appsync import Mapped
    from sandbox.services.appsync.request import FieldCall, Request

Phase = Literal["request", "response"]


class Handlers:
    """Runs handlers. One for a sandbox: compiled code is kept."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._runtime = appsync_js.Runtime(sandbox.ids, sandbox.clock)
        self._templates: Templates | None = None

    def run(self, request: Request, call: FieldCall, mapped: Mapped, phase: Phase, **more: Any) -> Outcome:
        """What a handler gave. What it appended, stashed and asked of ``extensions`` is in request and call then.

        ``more``: ``result``, ``prev``, ``error`` of the context. Raises :class:`FieldError` when the handler ended
        with ``util.error`` or failed.
        """
        context = call.context(request, **more)
        run = self._script if mapped.code is not None else self._template
        outcome = run(request, mapped, phase, context)
        call.stash = outcome.stash
        if outcome.arguments is not None:  # Amplify's templates hand on in them who the owner is
            call.arguments = outcome.arguments
        for level, text in outcome.logs:
            self._sandbox.timeline.record("appsync", "log", request.id, level=level, text=text)
        request.appended += [entry(_raised(error), call.path, call.places) for error in outcome.appended]
        request.extensions += outcome.extensions
        request.response_headers |= outcome.response_headers
        if outcome.error is not None:
            if (outcome.error.type, outcome.error.message) == ("Unauthorized", "Unauthorized"):
                raise not_authorized(call.type_name, call.field_name)  # util.unauthorized()
            raise _raised(outcome.error)
        return outcome

    def _script(self, request: Request, mapped: Mapped, phase: Phase, context: dict[str, Any]) -> Outcome:
        if mapped.runtime not in (None, "APPSYNC_JS"):
            raise NotEmulatedError(f"the AppSync runtime {mapped.runtime}")
        try:
            return self._runtime.run(mapped.code or "", phase, context, auth_type=request.caller.mode)
        except ValueError as wrong:
            raise FieldError(f"The code contains one or more errors: {wrong}", "Code") from wrong

    def _template(self, request: Request, mapped: Mapped, phase: Phase, context: dict[str, Any]) -> Outcome:
        if self._templates is None:
            from sandbox.aws.vtl.appsync import Templates  # the template engine is slow to load

            self._templates = Templates(self._sandbox.ids, self._sandbox.clock)
        text = mapped.request_template if phase == "request" else mapped.response_template
        return self._templates.run(text or "", context, phase, auth_type=request.caller.mode)


def _raised(error: Reported) -> FieldError:
    return FieldError(error.message or "", error.type, error.data, error.info)
