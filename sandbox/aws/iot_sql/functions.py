"""Functions of IoT SQL, by their names in lower case. Each is given the facts of the message and its arguments."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws import json_text
from sandbox.aws.iot_sql.errors import SqlError


class _Undefined:
    """A value that is not there: it is left out of what is selected, and compares with nothing."""

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED = _Undefined()


@dataclass(frozen=True, slots=True)
class Facts:
    """A message as a rule sees it. ``timestamp``: ms since 1970. ``new_id``: makes a UUID.

    ``shadow``: the document of a thing's shadow by the names of both, the second empty for the classic one; ``None``
    for none.
    """

    topic: str
    payload: bytes
    client_id: str = ""
    principal: str = ""
    source_ip: str = ""
    timestamp: int = 0
    trace: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    new_id: Callable[[], str] = lambda: ""
    shadow: Callable[[str, str], Any] = lambda thing, name: None
    document: Any = UNDEFINED

    @classmethod
    def of(cls, payload: bytes, **more: Any) -> Facts:
        """With the payload read as JSON where it is JSON."""
        try:
            document = json_text.loads(payload)
        except ValueError:
            document = UNDEFINED
        return cls(payload=payload, document=document, **more)


def text(value: Any) -> str:
    """A value as a text."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, separators=(",", ":"))


def number(value: Any) -> float | int | None:
    """A value as a number, when it is one or reads like one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        try:
            return float(value) if any(c in value for c in ".eE") else int(value)
        except ValueError:
            return None
    return None


def _topic(facts: Facts, segment: Any = None) -> Any:
    if segment is None:
        return facts.topic
    levels = facts.topic.split("/")
    at = int(number(segment) or 0)
    return levels[at - 1] if 1 <= at <= len(levels) else UNDEFINED


def _encode(facts: Facts, value: Any, scheme: Any) -> Any:
    if scheme != "base64":
        raise SqlError(f"encode() knows base64, not {scheme!r}")
    raw = facts.payload if value is facts.document or value is UNDEFINED else text(value).encode()
    return base64.b64encode(raw).decode()


def _decode(_: Facts, value: Any, scheme: Any) -> Any:
    if scheme != "base64":
        raise SqlError(f"decode() knows base64, not {scheme!r}")
    try:
        return base64.b64decode(text(value), validate=True).decode()
    except ValueError:
        return UNDEFINED


def _cast(_: Facts, value: Any, kind: Any) -> Any:
    wanted = str(kind).lower()
    if wanted == "string":
        return text(value)
    if wanted in ("decimal", "int"):
        found = number(value)
        return UNDEFINED if found is None else int(found) if wanted == "int" else found
    if wanted == "boolean":
        return {"true": True, "false": False}.get(text(value).lower(), UNDEFINED)
    raise SqlError(f"cast() to {kind!r}")


def _get(_: Facts, of: Any, key: Any) -> Any:
    if isinstance(of, Mapping):
        return of.get(key, UNDEFINED)
    at = number(key)
    if isinstance(of, list | str) and at is not None and 0 <= at < len(of):
        return of[int(at)]
    return UNDEFINED


def _user_properties(facts: Facts, wanted: Any = None) -> Any:
    pairs = facts.properties.get("user_property") or ()
    if wanted is None:
        return [{name: value} for name, value in pairs]
    found = [value for name, value in pairs if name == wanted]
    return found or UNDEFINED


def _property(facts: Facts, name: Any) -> Any:
    known = {
        "message_expiry_interval": "message_expiry_interval",
        "content_type": "content_type",
        "response_topic": "response_topic",
        "format_indicator": "payload_format_indicator",
    }.get(str(name))
    if name == "correlation_data":
        raw = facts.properties.get("correlation_data")
        return UNDEFINED if raw is None else base64.b64encode(raw).decode()
    if known is None:
        raise SqlError(f"get_mqtt_property() of {name!r}")
    value = facts.properties.get(known, UNDEFINED)
    if known == "payload_format_indicator" and value is not UNDEFINED:
        return "UTF8_DATA" if value else "UNSPECIFIED_BYTES"
    return value


def _substring(_: Facts, value: Any, start: Any, end: Any = None) -> Any:
    whole = text(value)
    return whole[int(start) : len(whole) if end is None else int(end)]


def _math(function: Callable[[Any], Any]) -> Callable[[Facts, Any], Any]:
    def body(_: Facts, value: Any) -> Any:
        found = number(value)
        return UNDEFINED if found is None else function(found)

    return body


def _of_text(function: Callable[[str], Any]) -> Callable[[Facts, Any], Any]:
    return lambda _, value: function(text(value))


def _shadow(facts: Facts, thing: Any, *names: Any) -> Any:
    """``get_thing_shadow(thing, [shadow,] role)``. Undefined without such a shadow (UNSOURCED)."""
    if len(names) not in (1, 2):
        raise SqlError(
            "get_thing_shadow() takes a thing, the name of a shadow if it has one, and a role's ARN"
        )
    found = facts.shadow(text(thing), text(names[0]) if len(names) == 2 else "")
    return UNDEFINED if found is None else found


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "topic": _topic,
    "clientid": lambda facts: facts.client_id or "N/A",
    "principal": lambda facts: facts.principal or UNDEFINED,
    "sourceip": lambda facts: facts.source_ip or UNDEFINED,
    "timestamp": lambda facts: facts.timestamp,
    "traceid": lambda facts: facts.trace,
    "newuuid": lambda facts: facts.new_id(),
    "encode": _encode,
    "decode": _decode,
    "cast": _cast,
    "get": _get,
    "get_mqtt_property": _property,
    "get_thing_shadow": _shadow,
    "get_user_properties": _user_properties,
    "concat": lambda _, *values: "".join(text(value) for value in values),
    "lower": _of_text(str.lower),
    "upper": _of_text(str.upper),
    "length": _of_text(len),
    "trim": _of_text(str.strip),
    "ltrim": _of_text(str.lstrip),
    "rtrim": _of_text(str.rstrip),
    "startswith": lambda _, value, start: text(value).startswith(text(start)),
    "endswith": lambda _, value, end: text(value).endswith(text(end)),
    "indexof": lambda _, value, part: text(value).find(text(part)),
    "replace": lambda _, value, old, new: text(value).replace(text(old), text(new)),
    "substring": _substring,
    "regexp_matches": lambda _, value, pattern: re.search(text(pattern), text(value)) is not None,
    "isnull": lambda _, value: value is None,
    "isundefined": lambda _, value: value is UNDEFINED,
    "abs": _math(abs),
    "ceil": _math(math.ceil),
    "floor": _math(math.floor),
    "round": _math(lambda value: math.floor(value + 0.5)),
    "sqrt": _math(lambda value: math.sqrt(value) if value >= 0 else UNDEFINED),
    "md5": _of_text(lambda value: hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()),
    "sha256": _of_text(lambda value: hashlib.sha256(value.encode()).hexdigest()),
}
