"""Stickiness: the cookies that name a target or a target group (facts 7.8).

AWS encrypts what they hold. Here the value is a text of the same kind that names the target and when it is stale,
with a sum over both, so that a changed one is not believed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from email.utils import formatdate
from http.cookies import CookieError, SimpleCookie
from typing import Any

_LENGTH = 16


class Sealer:
    """Writes and reads values; ``key`` is the sandbox's own."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def seal(self, held: Any) -> str:
        """A cookie's value."""
        text = json.dumps(held, separators=(",", ":")).encode()
        return base64.b64encode(self._sum(text) + text).decode().replace("=", "")

    def open(self, value: str) -> Any:
        """What a value holds; ``None`` for one that is not ours."""
        try:
            raw = base64.b64decode(value + "=" * (-len(value) % 4))
            held = raw[_LENGTH:]
            return json.loads(held) if raw[:_LENGTH] == self._sum(held) else None
        except ValueError:
            return None

    def _sum(self, text: bytes) -> bytes:
        return hashlib.blake2b(text, key=self._key[:64], digest_size=_LENGTH).digest()


def read(headers: Iterable[str]) -> dict[str, str]:
    """The cookies of a request."""
    found: dict[str, str] = {}
    for header in headers:
        for part in header.split(";"):
            name, mark, value = part.strip().partition("=")
            if mark:
                found.setdefault(name, value)
    return found


def written(name: str, value: str, seconds: float, epoch: float, *, cors: bool = False) -> str:
    """A ``Set-Cookie``. The one for CORS is for other sites, too."""
    text = f"{name}={value}; Expires={formatdate(epoch + seconds, usegmt=True)}; Path=/"
    return text + ("; SameSite=None" if cors else "")


def names_set(values: Iterable[str]) -> set[str]:
    """The names that ``Set-Cookie`` headers of an answer set."""
    names: set[str] = set()
    for value in values:
        try:
            names.update(SimpleCookie(value).keys())
        except CookieError:
            continue
    return names
