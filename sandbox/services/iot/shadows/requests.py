"""What is asked of a shadow, by topic or by API, and what AWS says to what cannot be done.

Messages: developer guide, "Device Shadow error messages". That they name the thing and have no timestamp is from real
answers (aws-sdk-ios issue 5388, aws-iot-device-sdk-cpp issue 168; the tilde between thing and shadow: code in public
repositories that compares with it).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from sandbox.services.iot.shadows.document import SECTIONS

_TOPIC = re.compile(
    r"\$aws/things/(?P<thing>[a-zA-Z0-9:_-]{1,128})/shadow"
    r"(?:/name/(?P<shadow>[$a-zA-Z0-9:_-]{1,64}))?/(?P<action>get|update|delete)"
)
DEEPEST = 6  # objects and lists in one another, from "desired" or "reported" on
LONGEST_TOKEN = 64  # bytes


class ShadowError(Exception):
    """AWS refuses: ``code`` is HTTP's status, the text is AWS's message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """``shadow``: its name, empty for the classic one. ``action``: get, update or delete."""

    thing: str
    shadow: str
    action: str

    @property
    def topic(self) -> str:
        """The topic that answers begin with."""
        name = f"/name/{self.shadow}" if self.shadow else ""
        return f"$aws/things/{self.thing}/shadow{name}/{self.action}"

    def missing(self) -> ShadowError:
        """There is no such shadow."""
        name = f"{self.thing}~{self.shadow}" if self.shadow else self.thing
        return ShadowError(404, f"No shadow exists with name: '{name}'")


@dataclass(frozen=True, slots=True)
class Update:
    """``state``: ``None`` empties the document. ``version``: ``None`` when any is right."""

    state: Mapping[str, Any] | None
    version: int | None


def requested(topic: str) -> Request | None:
    """What a message on a topic asks for; ``None`` when that is no request to a shadow."""
    found = _TOPIC.fullmatch(topic)
    return Request(found["thing"], found["shadow"] or "", found["action"]) if found else None


def read(payload: bytes) -> Any:
    """A payload's JSON. Raises :class:`ShadowError`."""
    try:
        return json.loads(payload.decode(), parse_constant=_no_number)
    except UnicodeDecodeError as wrong:
        raise ShadowError(415, "Unsupported documented encoding; supported encoding is UTF-8") from wrong
    except (ValueError, RecursionError) as wrong:
        raise ShadowError(400, "Invalid JSON") from wrong


def token_of(payload: bytes) -> str | None:
    """The client token of a payload that may be anything: of a get, a delete, or of an update that is refused."""
    try:
        token = read(payload).get("clientToken")
    except (ShadowError, AttributeError):
        return None
    return token if isinstance(token, str) and len(token.encode()) <= LONGEST_TOKEN else None


def update_of(payload: bytes) -> Update:
    """An update's document. Raises :class:`ShadowError`."""
    document = read(payload)
    if not isinstance(document, dict):
        raise ShadowError(400, "Invalid JSON")
    if "state" not in document:
        raise ShadowError(400, "Missing required node: state")
    _check_state(document["state"])
    version, token = document.get("version"), document.get("clientToken")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or version < 0):
        raise ShadowError(400, "Invalid version")
    if token is not None and token_of(payload) is None:
        raise ShadowError(400, "Invalid clientToken")
    return Update(document["state"], version)


def _check_state(state: Any) -> None:
    if state is None:
        return
    if not isinstance(state, dict):
        raise ShadowError(400, "State node must be an object")
    if not state.keys() <= set(SECTIONS):
        raise ShadowError(400, "State contains an invalid node")
    for section in SECTIONS:
        value = state.get(section)
        if value is not None and not isinstance(value, dict):
            raise ShadowError(400, f"{section.capitalize()} node must be an object")
        _check_value(value, 0)


def _check_value(value: Any, depth: int) -> None:
    """Neither too deep nor with null in a list, which the guide forbids (the message for that is UNSOURCED)."""
    if not isinstance(value, dict | list):
        return
    if depth == DEEPEST:
        raise ShadowError(400, f"JSON contains too many levels of nesting; maximum is {DEEPEST}")
    if isinstance(value, list) and None in value:
        raise ShadowError(400, "State contains an invalid node")
    for one in value.values() if isinstance(value, dict) else value:
        _check_value(one, depth + 1)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
