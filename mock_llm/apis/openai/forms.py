"""What an answer must look like and how long is reasoned before it: ``response_format``, ``text.format``, efforts.

Names and values as in OpenAI's SDK (``response_format_json_schema``, ``reasoning_effort``); the refusals are those
that users quote in public issue trackers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mock_llm.apis.openai import errors

# Tokens of reasoning where no profile says how many: the mock model's own numbers.
EFFORTS = {"none": 0, "minimal": 16, "low": 32, "medium": 64, "high": 128, "xhigh": 256, "max": 512}
KINDS = ["text", "json_object", "json_schema"]
NAME = "^[a-zA-Z0-9_-]+$"


def effort(where: str, value: Any) -> int | None:
    """Tokens of reasoning for an effort; ``None``: nothing was asked."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise errors.wrong_type(where, f"one of {', '.join(EFFORTS)}", value)
    if value not in EFFORTS:
        raise errors.wrong_value(where, value, list(EFFORTS))
    return EFFORTS[value]


def chat_form(data: Mapping[str, Any], said: str) -> Mapping[str, Any] | None:
    """The schema of ``response_format``; ``{}``: any JSON. ``said``: all messages, which must speak of JSON then."""
    form = data.get("response_format")
    if form is None:
        return None
    kind = _kind("response_format", form)
    if kind == "json_object" and "json" not in said.lower():
        raise errors.without_the_word_json()
    if kind != "json_schema":
        return {} if kind == "json_object" else None
    told = form.get("json_schema")
    if told is None:
        raise errors.missing("response_format.json_schema")
    if not isinstance(told, dict):
        raise errors.wrong_type("response_format.json_schema", "an object", told)
    return _schema("response_format.json_schema", "response_format", told)


def text_form(data: Mapping[str, Any], said: str) -> Mapping[str, Any] | None:
    """The same of ``text.format``."""
    text = data.get("text")
    if text is not None and not isinstance(text, dict):
        raise errors.wrong_type("text", "an object", text)
    form = (text or {}).get("format")
    if form is None:
        return None
    kind = _kind("text.format", form)
    if kind == "json_object" and "json" not in said.lower():
        raise errors.input_without_the_word_json()
    if kind != "json_schema":
        return {} if kind == "json_object" else None
    return _schema("text.format", "text.format.schema", form)


def _kind(where: str, form: Any) -> str:
    if not isinstance(form, dict):
        raise errors.wrong_type(where, "an object", form)
    kind = form.get("type")
    if kind is None:
        raise errors.missing(f"{where}.type")
    if kind not in KINDS:
        raise errors.wrong_value(f"{where}.type", kind, KINDS)
    return str(kind)


def _schema(where: str, param: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
    name, schema = told.get("name"), told.get("schema")
    if name is None:
        raise errors.missing(f"{where}.name")
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise errors.no_such_name(f"{where}.name", NAME)
    if schema is None:
        raise errors.missing(f"{where}.schema")
    if not isinstance(schema, dict):
        raise errors.wrong_type(f"{where}.schema", "an object", schema)
    kind = schema.get("type")
    if kind != "object" and "$ref" not in schema:
        what = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
        raise errors.invalid_schema(name, what, param)
    if told.get("strict"):
        for what in _not_strict(schema, ()):
            raise errors.invalid_schema(name, what, param)
    return schema


def _not_strict(schema: Any, context: tuple[str, ...]) -> Iterator[str]:
    """What keeps a schema from being strict: every object names its properties, requires all, and allows no other."""
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        place = f"In context={context!r}, "
        if schema.get("additionalProperties") is not False:
            yield place + "'additionalProperties' is required to be supplied and to be false."
        required = schema.get("required")
        left = [name for name in properties or {} if not isinstance(required, list) or name not in required]
        if left:
            yield place + (
                "'required' is required to be supplied and to be an array including every key in properties. "
                f"Missing '{left[0]}'."
            )
    for key in ("properties", "$defs", "definitions"):
        for name, inner in (schema.get(key) or {}).items() if isinstance(schema.get(key), dict) else ():
            yield from _not_strict(inner, (*context, key, name))
    yield from _not_strict(schema.get("items"), (*context, "items"))
    for number, inner in enumerate(schema["anyOf"] if isinstance(schema.get("anyOf"), list) else ()):
        yield from _not_strict(inner, (*context, "anyOf", str(number)))
