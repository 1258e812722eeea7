"""``$util`` and ``$extensions`` of AppSync's mapping templates.

What templates alone have, and what must give back the very object that it was given (a later ``put`` changes it), is
here; the rest is that of APPSYNC_JS, run by its runtime, so that both kinds of resolvers agree.

Source: AppSync developer guide, "Resolver mapping template utility reference".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.appsync_js import Reported, Runtime
from sandbox.aws.ids import IdSource
from sandbox.aws.vtl.values import Boolean, List, Map, Text, to_json, unwrap, wrap
from sandbox.clock import Clock

_CALL = """
import { util } from '@aws-appsync/utils';
export function request(ctx) {
  const { space, name, given } = ctx.args;
  return (space ? util[space] : util)[name](...given);
}
"""
_SHARED = {  # space -> functions that are APPSYNC_JS's
    "": "matches urlEncode urlDecode base64Encode base64Decode autoUlid autoKsuid authType",
    "dynamodb": """toDynamoDB toString toStringSet toNumber toNumberSet toBinary toBinarySet toBoolean toNull
        toList toMap toMapValues toS3Object""",
    "transform": "toDynamoDBFilterExpression toDynamoDBConditionExpression toSubscriptionFilter",
    "time": """nowISO8601 nowEpochSeconds nowEpochMilliSeconds nowFormatted parseFormattedToEpochMilliSeconds
        parseISO8601ToEpochMilliSeconds epochMilliSecondsToSeconds epochMilliSecondsToISO8601
        epochMilliSecondsToFormatted""",
    "math": "roundNum minVal maxVal randomDouble randomWithinRange",
    "str": "toUpper toLower toReplace normalize",
    "http": "copyHeaders addResponseHeader addResponseHeaders",
    "xml": "toMap toJsonString",
}


class Ended(BaseException):
    """A template that ended before its end. No ``Exception``: the template engine would make a fault of it."""

    def __init__(self, value: Any = None, error: Reported | None = None) -> None:
        super().__init__(error.message if error else "")
        self.value = value
        self.error = error


class Lacking(BaseException):
    """Something that the sandbox's ``$util`` has not, on its way through the template engine."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Scripts:
    """APPSYNC_JS's functions for templates."""

    def __init__(self, ids: IdSource, clock: Clock) -> None:
        self._runtime = Runtime(ids, clock)

    def call(self, run: Run, space: str, name: str, given: tuple[Any, ...]) -> Any:
        """The value of a function for values of a template."""
        arguments = {"space": space, "name": name, "given": [unwrap(one) for one in given]}
        outcome = self._runtime.run(_CALL, "request", {"arguments": arguments}, auth_type=run.auth_type)
        if outcome.error is not None:
            raise ValueError(outcome.error.message)
        run.response_headers |= outcome.response_headers
        return wrap(outcome.result)


@dataclass(slots=True)
class Run:
    """One run of a template: what it asked for."""

    ids: IdSource
    scripts: Scripts
    auth_type: str | None
    appended: list[Reported] = field(default_factory=list)
    extensions: list[tuple[str, Any]] = field(default_factory=list)
    response_headers: dict[str, Any] = field(default_factory=dict)


class _Space:
    """A part of ``$util``: functions of APPSYNC_JS by their names, and those that give their result as JSON."""

    def __init__(self, run: Run, space: str) -> None:
        self._run = run
        self._space = space

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        shared = _SHARED[self._space].split()
        if name in shared:
            return lambda *given: self._run.scripts.call(self._run, self._space, name, given)
        plain = name.removesuffix("Json")
        if plain in shared and plain != name:
            return lambda *given: Text(to_json(self._run.scripts.call(self._run, self._space, plain, given)))
        raise Lacking(".".join(filter(None, ("$util", self._space, name))))


class Util(_Space):
    """``$util``."""

    def __init__(self, run: Run) -> None:
        super().__init__(run, "")
        self.list = _Lists()
        self.map = _Maps()
        for space in _SHARED:
            if space:
                setattr(self, space, _Space(run, space))

    # -- ends and errors

    def leave(self, value: Any = None) -> None:
        """``#return``."""
        raise Ended(value)

    def error(self, message: Any = None, type: Any = None, data: Any = None, info: Any = None) -> None:
        """Ends with an error."""
        raise Ended(error=_reported(message, type, data, info))

    def unauthorized(self) -> None:
        """Ends as a field that the caller may not have."""
        raise Ended(error=Reported("Unauthorized", "Unauthorized"))

    def appendError(self, message: Any = None, type: Any = None, data: Any = None, info: Any = None) -> Text:  # noqa: N802
        """Adds an error and goes on."""
        self._run.appended.append(_reported(message, type, data, info))
        return Text("")

    def validate(self, condition: Any, message: Any, type: Any = None, data: Any = None) -> Text:
        """Ends with an error unless the condition holds."""
        if not condition:
            self.error(message, type or "CustomTemplateException", data)
        return Text("")

    # -- values

    def qr(self, value: Any = None) -> Text:
        """Nothing of a value."""
        return Text("")

    quiet = qr

    def toJson(self, value: Any = None) -> Text:  # noqa: N802
        """JSON."""
        return Text(to_json(value))

    def parseJson(self, text: Any) -> Any:  # noqa: N802
        """The value of JSON."""
        return wrap(json.loads(str(text)))

    def escapeJavaScript(self, text: Any) -> Text:  # noqa: N802
        """Escaped for a JavaScript string."""
        return Text(json.dumps(str(text))[1:-1])

    def autoId(self) -> Text:  # noqa: N802
        """A UUID."""
        return Text(self._run.ids.uuid())

    def isNull(self, value: Any = None) -> Boolean:  # noqa: N802
        return Boolean(value is None)

    def isNullOrEmpty(self, value: Any = None) -> Boolean:  # noqa: N802
        return Boolean(_empty(value))

    def isNullOrBlank(self, value: Any = None) -> Boolean:  # noqa: N802
        return Boolean(_empty(value) or not str(value).strip())

    def defaultIfNull(self, value: Any, other: Any = None) -> Any:  # noqa: N802
        return other if value is None else value

    def defaultIfNullOrEmpty(self, value: Any, other: Any = None) -> Any:  # noqa: N802
        return other if _empty(value) else value

    def defaultIfNullOrBlank(self, value: Any, other: Any = None) -> Any:  # noqa: N802
        return other if self.isNullOrBlank(value) else value

    def isString(self, value: Any = None) -> Boolean:  # noqa: N802
        return Boolean(_kind(value) == "String")

    def isNumber(self, value: Any = None) -> Boolean:  # noqa: N802
        return Boolean(_kind(value) == "Number")

    def isBoolean(self, value: Any = None) -> Boolean:  # noqa: N802
        return Boolean(_kind(value) == "Boolean")

    def isList(self, value: Any = None) -> Boolean:  # noqa: N802
        return Boolean(_kind(value) == "List")

    def isMap(self, value: Any = None) -> Boolean:  # noqa: N802
        return Boolean(_kind(value) == "Map")

    def typeOf(self, value: Any = None) -> Text:  # noqa: N802
        return Text(_kind(value))


class _Lists:
    """``$util.list``."""

    def copyAndRetainAll(self, values: Any, kept: Any) -> List:  # noqa: N802
        return List([one for one in values if one in kept])

    def copyAndRemoveAll(self, values: Any, gone: Any) -> List:  # noqa: N802
        return List([one for one in values if one not in gone])

    def sortList(self, values: Any, descending: Any, name: Any) -> List:  # noqa: N802
        """By a member of the items, or by themselves."""
        by = str(name or "")
        return List(sorted(values, key=lambda one: one.get(by) if by else one, reverse=bool(descending)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Lacking(f"$util.list.{name}")


class _Maps:
    """``$util.map``."""

    def copyAndRetainAllKeys(self, given: Any, kept: Any) -> Map:  # noqa: N802
        return Map({name: given[name] for name in given.raw if name in kept})

    def copyAndRemoveAllKeys(self, given: Any, gone: Any) -> Map:  # noqa: N802
        return Map({name: given[name] for name in given.raw if name not in gone})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Lacking(f"$util.map.{name}")


class Extensions:
    """``$extensions``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def setSubscriptionFilter(self, given: Any) -> Text:  # noqa: N802
        return self._note("setSubscriptionFilter", given)

    def setSubscriptionInvalidationFilter(self, given: Any) -> Text:  # noqa: N802
        return self._note("setSubscriptionInvalidationFilter", given)

    def invalidateSubscriptions(self, given: Any) -> Text:  # noqa: N802
        return self._note("invalidateSubscriptions", given)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Lacking(f"$extensions.{name}")

    def _note(self, name: str, given: Any) -> Text:
        self._run.extensions.append((name, json.loads(given) if isinstance(given, str) else given))
        return Text("")


def _empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, Map | Mapping | list) and not len(value))


def _kind(value: Any) -> str:
    if value is None:
        return "Null"
    if isinstance(value, bool | Boolean):
        return "Boolean"
    if isinstance(value, int | float):
        return "Number"
    if isinstance(value, str):
        return "String"
    if isinstance(value, list | tuple):
        return "List"
    return "Map" if isinstance(value, Map | Mapping) else "Object"


def _reported(message: Any, type: Any, data: Any, info: Any) -> Reported:
    named = None if type is None else str(type)
    return Reported("" if message is None else str(message), named, unwrap(data), unwrap(info))
