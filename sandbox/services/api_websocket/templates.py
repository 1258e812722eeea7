"""Request and response templates, the part of them that WebSocket APIs are used with.

``$input.body``, ``$input.json('$.a')``, ``$input.path('$.a.b')``, ``$context.x``, ``$stageVariables.x`` and
``$util.urlEncode(...)`` / ``$util.escapeJavaScript(...)`` / ``$util.base64Encode(...)`` of one of them, in text that
stays as it is. Whatever else the template language has (directives, macros, other functions) is not emulated.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from sandbox.aws.errors import NotEmulatedError
from sandbox.services.api_websocket import selection
from sandbox.services.api_websocket.call import Call

_NAME = r"[A-Za-z_][\w-]*"
_VALUE = rf"input\.body|input\.(?:json|path)\('[^']*'\)|(?:context|stageVariables)(?:\.{_NAME})+"
_REFERENCE = re.compile(
    rf"\$util\.(?P<function>urlEncode|escapeJavaScript|base64Encode)\(\$(?P<inner>{_VALUE})\)"
    rf"|\$\{{(?P<braced>{_VALUE})\}}|\$(?P<plain>{_VALUE})"
)
_UNKNOWN = re.compile(r"\$!?\{?[A-Za-z]\w*[^\s\"'&]{0,40}|#(?:set|if|else|end|foreach|macro)\b")
_FUNCTIONS: Mapping[str, Callable[[str], str]] = {
    "urlEncode": quote_plus,
    "escapeJavaScript": lambda text: json.dumps(text)[1:-1].replace("'", "\\'"),
    "base64Encode": lambda text: b64encode(text.encode()).decode(),
}


def render(template: str, call: Call, body: str) -> str:
    """The template's text for a body. Raises ``NotEmulatedError`` that names what is not known."""
    rest = _REFERENCE.sub("", template)
    if (found := _UNKNOWN.search(rest)) is not None:
        raise NotEmulatedError(f"{found[0]!r} in a mapping template of a WebSocket API")

    def replace(match: re.Match[str]) -> str:
        text = _value(match["inner"] or match["braced"] or match["plain"], call, body)
        return _FUNCTIONS[match["function"]](text) if match["function"] else text

    return _REFERENCE.sub(replace, template)


def _value(reference: str, call: Call, body: str) -> str:
    if reference == "input.body":
        return body
    if reference.startswith("input."):
        path = reference.partition("'")[2].rpartition("'")[0]
        found = _at(selection.parsed(body), path)
        return json.dumps(found, ensure_ascii=False) if ".json(" in reference else selection.text(found)
    root: dict[str, Any] = {"context": call.context(), "stageVariables": call.api.stage_variables}
    return selection.evaluate(f"${{{reference}}}", root)


def _at(value: Any, path: str) -> Any:
    """``$`` or ``$.a.b[0]``; other JSONPath is not emulated."""
    if not re.fullmatch(r"\$(?:\.[\w-]+|\[\d+\])*", path):
        raise NotEmulatedError(f"the JSONPath {path!r} in a mapping template of a WebSocket API")
    return value if path == "$" else selection.at({"v": value}, "v" + path[1:])


def chosen(templates: Mapping[str, str], expression: str | None, call: Call, body: str) -> str | None:
    """The template that an integration's template selection expression picks; ``$default`` and ``application/json``
    stand in; ``None`` when there is none."""
    key = selection.DEFAULT
    if expression:
        values = {"request": {"body": selection.parsed(body)}, "integration": {"response": {"body": body}}}
        key = selection.evaluate(expression, values)
    for name in (key, selection.DEFAULT, "application/json"):
        if name in templates:
            return templates[name]
    return None
