"""``$input`` and ``$util`` of mapping templates.

Source: API Gateway developer guide, "Variables for data transformations for API Gateway". What a missing path and an
empty body give was recorded against AWS (localstack's validated tests, ``template_mapping.py``).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from sandbox.aws.vtl.values import Map, Text, to_json, wrap

# Signs of a path that may have several results: it gives a list, also of one.
_SEVERAL = ("*", "..", "[?", ":", ",")
# Members by their names, as most templates want: the library, whose first path costs 0.2 s, is not asked.
_MEMBERS = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_]*)+")


@lru_cache(maxsize=512)
def _parsed(path: str) -> Any:
    from jsonpath_ng.ext.parser import parse

    return parse(path)


def json_path(value: Any, path: str) -> Any:
    """What a JSONPath finds in a value; an empty text when it finds nothing. ``ValueError`` for no JSONPath."""
    if path in ("$", "$.", ""):
        return value
    if _MEMBERS.fullmatch(path):
        return _member(value, path.split(".")[1:])
    try:
        found = [match.value for match in _parsed(path).find(value)]
    except Exception as wrong:  # the parser has errors of several kinds
        raise ValueError(f"{path!r} is no JSONPath: {wrong}") from wrong
    if any(sign in path for sign in _SEVERAL):
        return found
    return found[0] if found else ""


def _member(value: Any, names: list[str]) -> Any:
    for name in names:
        if not isinstance(value, dict) or name not in value:
            return ""
        value = value[name]
    return value


class Input:
    """``$input``: the payload, and the request's parameters."""

    def __init__(self, body: str, parameters: Mapping[str, Mapping[str, str]]) -> None:
        self._body = body
        self._parameters = parameters

    def _value(self, path: str) -> Any:
        return json_path(json.loads(self._body), path) if self._body else {}

    @property
    def body(self) -> Text:
        """The payload as text."""
        return Text(self._body or "{}")

    def json(self, path: str = "$") -> Text:
        """A part of the payload as JSON."""
        return Text(to_json(self._value(path)))

    def path(self, path: str = "$") -> Any:
        """A part of the payload as a value."""
        return wrap(self._value(path))

    def params(self, name: str | None = None) -> Any:
        """A parameter by its name, from path, query and headers in this order; without a name a map of all."""
        if name is None:
            return wrap(self._parameters)
        for place in ("path", "querystring", "header"):
            given = self._parameters.get(place, {})
            if name in given:
                return Text(given[name])
        wanted = name.lower()
        for key, value in self._parameters.get("header", {}).items():
            if key.lower() == wanted:
                return Text(value)
        return Text("")

    def __str__(self) -> str:
        return "$input"


class Util:
    """``$util``."""

    def escapeJavaScript(self, value: Any) -> Text:  # noqa: N802 - AWS's name
        """Escaped by JavaScript's rules; a single quote too, as the guide warns."""
        if value is None:
            return Text("null")
        quoted = json.dumps(str(value))[1:-1]
        return Text(quoted.replace("'", "\\'"))

    def parseJson(self, text: str) -> Any:  # noqa: N802
        """JSON as a value."""
        return wrap(json.loads(text))

    def urlEncode(self, text: Any) -> Text:  # noqa: N802
        """``application/x-www-form-urlencoded``."""
        return Text(quote_plus(str(text), safe="*-._"))

    def urlDecode(self, text: Any) -> Text:  # noqa: N802
        """The reverse of ``urlEncode``."""
        return Text(unquote_plus(str(text)))

    def base64Encode(self, text: Any) -> Text:  # noqa: N802
        """Base64 of UTF-8."""
        return Text(base64.b64encode(str(text).encode()).decode())

    def base64Decode(self, text: Any) -> Text:  # noqa: N802
        """UTF-8 of base64."""
        return Text(base64.b64decode(str(text)).decode("utf-8", "replace"))


class _Nothing(Text):
    """An empty text whose members are empty too."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        return self if isinstance(key, str) else super().__getitem__(key)


_NOTHING = _Nothing("")


class Context(Map):
    """``$context``: what is not there is an empty text. UNSOURCED in general; seen for ``$context.identity``."""

    __slots__ = ()

    def __getitem__(self, name: Any) -> Any:
        value = self.raw.get(name)
        if isinstance(value, (Mapping, Map)) and not isinstance(value, Context):
            value = self.raw[name] = Context(value.raw if isinstance(value, Map) else dict(value))
        return _NOTHING if value is None else wrap(value)
