"""AppSync's mapping templates: what a template makes of ``$context``, with ``$util`` and ``$extensions``.

Source: AppSync developer guide, "Resolver mapping template reference". The text that a template gives has to be JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from sandbox.aws.appsync_js import Extension, Outcome, Reported
from sandbox.aws.errors import NotEmulatedError
from sandbox.aws.ids import IdSource
from sandbox.aws.vtl.appsync_util import Ended, Extensions, Lacking, Run, Scripts, Util
from sandbox.aws.vtl.values import JAVA_LISTS, Map, unwrap, wrap
from sandbox.aws.vtl.velocity import TemplateFault, render
from sandbox.clock import Clock

_TYPE = "MappingTemplate"
_RETURN = re.compile(r"#return\b[ \t]*(\(?)")
# Directives of Velocity that the engine would print as text.
_UNKNOWN = re.compile(r"#(break|parse|include|evaluate|define)\b")


class Templates:
    """Runs templates. One for a sandbox."""

    def __init__(self, ids: IdSource, clock: Clock) -> None:
        self._ids = ids
        self._scripts = Scripts(ids, clock)

    def run(
        self,
        text: str,
        context: Mapping[str, Any],
        phase: Literal["request", "response", "text"],
        *,
        auth_type: str | None = None,
    ) -> Outcome:
        """What a template gives. ``context``: as for APPSYNC_JS. ``early``: it ended with ``#return``.

        ``phase`` ``text``: the text itself is the result, whatever it is.

        Raises ``NotEmulatedError`` that names what the sandbox's ``$util`` lacks.
        """
        unknown = _UNKNOWN.search(re.sub(r"##.*", "", text))
        if unknown:
            raise NotEmulatedError(f"#{unknown[1]} in AppSync's mapping templates")
        run = Run(self._ids, self._scripts, auth_type)
        arguments = wrap(context.get("arguments", context.get("args")))  # one object under both names
        seen = Map({"stash": {}, **context, "arguments": arguments, "args": arguments})
        names = {"context": seen, "ctx": seen, "util": Util(run), "extensions": Extensions(run)}
        # A call instead of the directive, which the engine does not know.
        readable = _RETURN.sub(lambda found: "$util.leave(" if found[1] else "$util.leave()", text)
        result: Any = None
        error: Reported | None = None
        early = False
        printing = JAVA_LISTS.set(True)
        try:
            written = render(readable, names)
            result = written if phase == "text" else _parsed(written, phase)
        except Ended as end:
            result, error, early = unwrap(end.value), end.error, end.error is None
        except Lacking as lacking:
            raise NotEmulatedError(f"{lacking.what} of AppSync's mapping templates") from lacking
        except (TemplateFault, ValueError) as fault:
            error = Reported(str(fault), _TYPE)
        finally:
            JAVA_LISTS.reset(printing)
        return Outcome(
            result=result,
            stash=unwrap(wrap(seen.get("stash") or {})),
            arguments=unwrap(arguments),
            error=error,
            early=early,
            appended=tuple(run.appended),
            extensions=tuple(Extension(name, unwrap(argument)) for name, argument in run.extensions),
            response_headers=dict(run.response_headers),
        )


def _parsed(text: str, phase: str) -> Any:
    """The JSON that a template wrote. Raises ``ValueError`` in AppSync's words (quoted by its users; S)."""
    if not text.strip():
        if phase == "response":
            return None
        raise ValueError("Template transformation yielded an empty response.")
    try:
        return json.loads(text, strict=False)
    except ValueError as wrong:
        raise ValueError(f"Unable to parse the JSON document: '{wrong}' in {text.strip()[:200]!r}") from wrong
