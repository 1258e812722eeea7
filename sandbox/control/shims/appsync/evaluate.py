"""``EvaluateCode`` and ``EvaluateMappingTemplate``: handlers run on a context that the caller gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.aws import appsync_js
from sandbox.control.shims.appsync.state import State
from sandbox.control.shims.appsync.store import Document, bad_request
from sandbox.control.shims.call import Call, Handler


class Evaluate:
    """Operations that run code for the developer."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._runtime = appsync_js.Runtime(state.sandbox.ids, state.sandbox.clock)

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"EvaluateCode": self.code, "EvaluateMappingTemplate": self.template}

    async def code(self, call: Call) -> Mapping[str, Any]:
        """``EvaluateCode``."""
        code, function = call.params["code"], call.params.get("function") or "request"
        context = _context(call)
        errors = appsync_js.check(code, (function,))
        if errors:
            message = "The code contains one or more errors."
            return {"error": {"message": message, "codeErrors": [error.document() for error in errors]}}
        outcome = self._runtime.run(code, function, context)
        shown: Document = {
            "logs": [f"{level} - code.js: {text}" for level, text in outcome.logs],
            "stash": json.dumps(outcome.stash),
            "outErrors": json.dumps([error.document() for error in outcome.appended]),
        }
        if outcome.error is not None:
            return {**shown, "error": {"message": outcome.error.message}}
        return {**shown, "evaluationResult": json.dumps(outcome.result)}

    async def template(self, call: Call) -> Mapping[str, Any]:
        """``EvaluateMappingTemplate``: the text that a template writes."""
        from sandbox.aws.vtl.appsync import Templates  # the template engine is slow to load

        context = _context(call)
        sandbox = self._state.sandbox
        outcome = Templates(sandbox.ids, sandbox.clock).run(call.params["template"], context, "text")
        shown: Document = {
            "logs": [],
            "stash": json.dumps(outcome.stash),
            "outErrors": json.dumps([error.document() for error in outcome.appended]),
        }
        if outcome.error is not None:
            return {**shown, "error": {"message": outcome.error.message}}
        text = json.dumps(outcome.result) if outcome.early else outcome.result
        return {**shown, "evaluationResult": text}


def _context(call: Call) -> dict[str, Any]:
    try:
        context = json.loads(call.params["context"])
    except ValueError as error:
        raise bad_request(f"The context is not valid JSON: {error}") from error
    if not isinstance(context, dict):
        raise bad_request("The context is not a JSON object.")
    return context
