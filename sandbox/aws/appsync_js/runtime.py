"""The runtime: the user's JavaScript in QuickJS, with ``@aws-appsync/utils`` of ours (``js/``)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from sandbox.aws import json_text
from sandbox.aws.appsync_js.host import Host
from sandbox.aws.appsync_js.outcome import Extension, Outcome, Reported
from sandbox.aws.appsync_js.syntax import CodeError, factory, parse
from sandbox.aws.errors import NotEmulatedError
from sandbox.aws.ids import IdSource
from sandbox.clock import Clock

SCRIPTS = ("bounds.js", "values.js", "expressions.js", "ddb.js", "ai.js", "util.js", "runner.js")
MEMORY = 128 * 2**20  # bytes; of all code of a sandbox together
CPU_SECONDS = 2  # a handler that computes for longer never ends (AppSync has no loops without an end)
CODE_SIZE = 32_768  # characters (botocore: Code)
# What QuickJS has and APPSYNC_JS does not (AppSync developer guide, supported runtime features).
NOT_THERE = (
    *("eval", "Function", "Promise", "Proxy", "Reflect", "Date", "WeakMap", "WeakSet", "WeakRef", "Atomics"),
    *(
        "SharedArrayBuffer",
        "ArrayBuffer",
        "DataView",
        "FinalizationRegistry",
        "queueMicrotask",
        "performance",
    ),
    *("globalThis", "BigInt", "Iterator", "btoa", "atob", "escape", "unescape", "DisposableStack"),
    *("AsyncDisposableStack", "DOMException", "Symbol", "RegExp", "__define", "__run", "__lib"),
)
# The engine names no files: a code begins so many lines down that its places are none of our own scripts'.
FIRST_LINE = 1000
_PLACE = re.compile(r"\(<input>:(\d+):(\d+)\)")
AUTH_TYPES = {  # util.authType(), AppSync developer guide
    "API_KEY": "API Key Authorization",
    "AWS_IAM": "IAM Authorization",
    "AMAZON_COGNITO_USER_POOLS": "User Pool Authorization",
    "OPENID_CONNECT": "Open ID Connect Authorization",
    "AWS_LAMBDA": "Lambda Authorization",
}


def check(code: str, exports: tuple[str, ...] = ()) -> list[CodeError]:
    """What AppSync would refuse in a code. ``exports``: functions that it must export."""
    parsed = parse(code)
    errors = list(parsed.errors)
    if not errors:
        for name in exports:
            if name not in parsed.exports:
                errors.append(CodeError("LINT_ERROR", f"The code must export a function '{name}'.", 1, 1, 1))
    return errors


def exported(code: str) -> frozenset[str]:
    """The names that a code exports: ``request``, ``response``, ``onPublish`` ..."""
    return frozenset(parse(code).exports)


class Runtime:
    """Runs handlers, each run with nothing left of any other. For one thread: that of the loop.

    A code is parsed and compiled once; its top level runs anew for each call.
    """

    def __init__(self, ids: IdSource, clock: Clock) -> None:
        self._host = Host(ids, clock)
        self._context: Any = None
        self._compiled: set[str] = set()

    def run(
        self, code: str, function: str, context: Mapping[str, Any], *, auth_type: str | None = None
    ) -> Outcome:
        """Call an exported function with a context (JSON values by AppSync's names: ``arguments``, ``stash`` ...).

        ``function``: "request", or "onPublish.request" for a function in an exported object.

        ``auth_type``: the mode in which the request came (``API_KEY`` ...), for ``util.authType()``. A code that
        :func:`check` refuses, or without the function, is a ``ValueError``; what ``@aws-appsync/utils`` of the
        sandbox lacks is a ``NotEmulatedError``. An exception of the code is in ``Outcome.error``.
        """
        import quickjs

        key = self._ready(code, function)
        said = AUTH_TYPES.get(auth_type or "", auth_type or "")
        settings: dict[str, Any] = {"authType": said, "now": self._host.now(), "answers": []}
        try:
            answer = self._answer(key, function, json.dumps(context), settings)
        except (quickjs.JSException, quickjs.StackOverflow) as error:
            self._forget()  # out of time, memory or stack: nothing in this context can be trusted
            return Outcome(None, dict(context.get("stash") or {}), Reported(_first_line(error), "Code"))
        except json_text.DeepError as error:
            return Outcome(None, dict(context.get("stash") or {}), Reported(f"The result: {error}", "Code"))
        if "missing" in answer:
            raise NotEmulatedError(f"{answer['missing']} of APPSYNC_JS")
        return _outcome(answer, code)

    def _answer(self, key: str, function: str, context: str, settings: dict[str, Any]) -> dict[str, Any]:
        """Run until the handler has no question left that the sandbox must answer.

        QuickJS cannot call out while it watches the time that code takes: a question ends the run.
        """
        while True:
            answer: dict[str, Any] = json_text.loads(self._run(key, function, context, json.dumps(settings)))
            if "ask" not in answer:
                return answer
            settings["answers"].append(self._host.answer(*answer["ask"]))

    def _ready(self, code: str, function: str) -> str:
        if self._context is None:
            self._start()
        key = hashlib.sha256(code.encode()).hexdigest()
        if key not in self._compiled:
            parsed = parse(code)
            if parsed.errors:
                first = parsed.errors[0]
                raise ValueError(f"line {first.line}, column {first.column}: {first.value}")
            self._define(key, self._context.eval("\n" * (FIRST_LINE - 2) + factory(parsed)))
            self._compiled.add(key)
        if function.partition(".")[0] not in parse(code).exports:
            raise ValueError(f"the code does not export {function!r}")
        return key

    def _start(self) -> None:
        import quickjs

        context = quickjs.Context()
        context.set_memory_limit(MEMORY)
        for script in _scripts():
            context.eval(script)
        self._define = context.get("__define")
        self._run = context.get("__run")
        gone = "".join(f"delete globalThis.{name};" for name in NOT_THERE if name != "globalThis")
        context.eval(f"{gone} Object.freeze(globalThis); undefined")
        context.set_time_limit(CPU_SECONDS)
        self._context = context
        self._compiled.clear()

    def _forget(self) -> None:
        self._context = None


@lru_cache(maxsize=1)
def _scripts() -> tuple[str, ...]:
    folder = files("sandbox.aws.appsync_js") / "js"
    setup = "globalThis.__lib = { modules: {}, run: null };"
    return (setup, *((folder / name).read_text("utf-8") for name in SCRIPTS))


def _outcome(answer: dict[str, Any], code: str) -> Outcome:
    return Outcome(
        result=answer.get("result"),
        stash=answer["stash"],
        error=_reported(answer, code),
        early=bool(answer.get("early")),
        skip_to=answer.get("skipTo"),
        appended=tuple(Reported(**error) for error in answer["appended"]),
        extensions=tuple(Extension(name, argument) for name, argument in answer["extensions"]),
        logs=tuple((level, text) for level, text in answer["logs"]),
        response_headers=answer["responseHeaders"],
    )


def _reported(answer: dict[str, Any], code: str) -> Reported | None:
    if "error" in answer:
        return Reported(**answer["error"])
    thrown = answer.get("thrown")
    if thrown is None:
        return None
    where = _place(thrown["stack"], code)
    at = f" (line {where[0]}, column {where[1]})" if where else ""
    return Reported(f"{thrown['name']}: {thrown['message']}{at}", "Code", where=where)


def _place(stack: str, code: str) -> tuple[int, int] | None:
    """The innermost place in the code. None where the engine has none: of a destructuring as the first statement."""
    last = FIRST_LINE + code.count("\n")
    places = ((int(found[1]), int(found[2])) for found in _PLACE.finditer(stack))
    return next(((line - FIRST_LINE + 1, at) for line, at in places if FIRST_LINE <= line <= last), None)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
