"""The prelude of a streamed HTTP answer: ``application/vnd.awslambda.http-integration-response``.

A function that sets status and headers writes a JSON object, eight zero bytes, and then its payload. The bytes may
arrive cut anywhere. Source: aws-lambda-ric (Node.js), ``HttpResponseStream``; facts 1.27 and 4.19.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = b"\0" * 8


class PreludeError(ValueError):
    """The bytes before the delimiter are no prelude."""


@dataclass(frozen=True, slots=True)
class Prelude:
    """Status and headers (name, value), cookies already among them."""

    status: int
    headers: tuple[tuple[str, str], ...]


class PreludeReader:
    """Collects bytes until the prelude is whole. ``within``: at most so many bytes before the payload."""

    def __init__(self, within: int | None = None) -> None:
        self._buffer = bytearray()
        self._within = within

    @property
    def empty(self) -> bool:
        """Whether no byte came."""
        return not self._buffer

    def feed(self, data: bytes) -> tuple[Prelude, bytes] | None:
        """The prelude and the first bytes of the payload, or ``None`` while it is not whole.

        Raises :class:`PreludeError`.
        """
        # The delimiter may have begun in what came before.
        start = max(0, len(self._buffer) - len(DELIMITER) + 1)
        self._buffer += data
        end = self._buffer.find(DELIMITER, start)
        size = len(self._buffer) if end < 0 else end + len(DELIMITER)
        if self._within is not None and size > self._within:
            raise PreludeError(f"no delimiter of 8 zero bytes within the first {self._within} bytes")
        if end < 0:
            return None
        return parse(bytes(self._buffer[:end])), bytes(self._buffer[end + len(DELIMITER) :])


def parse(text: bytes) -> Prelude:
    """A prelude from its JSON. Raises :class:`PreludeError` that says what is wrong."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise PreludeError(f"the prelude is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise PreludeError(f"the prelude is a JSON {type(value).__name__}, not an object")
    return Prelude(status_of(value.get("statusCode", 200)), tuple(_headers(value)))


def name_of(name: str) -> str:
    """A header's name, or :class:`PreludeError` when HTTP has no such (RFC 9110, 5.1)."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise PreludeError(f"{name!r} is no name for a header")
    return name


def status_of(value: Any) -> int:
    """A status code given as number or as text ("418" counts). Raises :class:`PreludeError`."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:
        raise PreludeError(f"statusCode is {value!r}, not a number from 200 to 599")
    return value


def text_of(value: Any) -> str:
    """A header's value as it is sent: JSON's true and numbers are written as JSON writes them."""
    return value if isinstance(value, str) else json.dumps(value)


def _headers(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    single, multiple, cookies = (
        value.get("headers") or {},
        value.get("multiValueHeaders") or {},
        value.get("cookies") or [],
    )
    if not isinstance(single, dict) or not isinstance(multiple, dict) or not isinstance(cookies, list):
        raise PreludeError("headers and multiValueHeaders must be objects, cookies a list")
    many = {name.lower() for name in multiple}
    pairs = [
        (name_of(name), text_of(v))
        for name, v in single.items()
        if v is not None and name.lower() not in many
    ]
    for name, values in multiple.items():
        if not isinstance(values, list):
            raise PreludeError(f"multiValueHeaders[{name!r}] must be a list")
        pairs += [(name_of(name), text_of(v)) for v in values]
    return pairs + [("set-cookie", text_of(cookie)) for cookie in cookies]
