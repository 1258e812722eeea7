"""What the JavaScript of ``@aws-appsync/utils`` asks the sandbox for: identifiers from the seed, dates in words."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.aws.ids import IdSource
from sandbox.aws.java_time import format_time, parse_time, zone
from sandbox.clock import Clock

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # the alphabet of ULIDs
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KSUID_EPOCH = 1_400_000_000  # seconds; the KSUID's own


class Host:
    """Answers by name: ``{"value": ...}`` or ``{"error": "..."}``, JSON values."""

    def __init__(self, ids: IdSource, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock
        self._answers: Mapping[str, Callable[..., Any]] = {
            "autoId": ids.uuid,
            "autoUlid": self._ulid,
            "autoKsuid": self._ksuid,
            "randomDouble": lambda: int(ids.hex(13), 16) / 16**13,
            "base64Encode": _encode,
            "base64Decode": lambda text: base64.b64decode(text).decode("utf-8", "replace"),
            "xmlToMap": _xml,
            "format": lambda millis, form, name: format_time(int(millis), form, zone(name)),
            "parse": lambda text, form, name: parse_time(text, form, zone(name) if name else None),
        }

    def answer(self, name: str, arguments: list[Any]) -> dict[str, Any]:
        """The answer to one question."""
        try:
            return {"value": self._answers[name](*arguments)}
        except (ValueError, TypeError, OverflowError) as error:
            return {"error": f"{name}: {error}"}

    def now(self) -> int:
        """The sandbox's date in milliseconds since the epoch."""
        return int(self._clock.utcnow().timestamp() * 1000)

    def _ulid(self) -> str:
        number = self.now() << 80 | int(self._ids.hex(20), 16)
        return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))

    def _ksuid(self) -> str:
        number = (self.now() // 1000 - KSUID_EPOCH) << 128 | int(self._ids.hex(32), 16)
        digits = ""
        for _ in range(27):
            number, digit = divmod(number, 62)
            digits = BASE62[digit] + digits
        return digits


def _encode(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.b64encode(text.encode()).decode()


def _xml(text: str) -> Any:
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error
    return {root.tag: _element(root)}


def _element(element: Any) -> Any:
    """An element as a map; one name several times is a list, an element of text alone is that text."""
    made: dict[str, Any] = dict(element.attrib)
    for child in element:
        value = _element(child)
        if child.tag in made:
            before = made[child.tag]
            made[child.tag] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            made[child.tag] = value
    text = (element.text or "").strip()
    if not made:
        return text
    return {**made, "content": text} if text else made
