"""The session of a user who logged in: sealed into cookies, so that the load balancer keeps nothing.

AWS encrypts what its cookies hold; so is it here, by a key of the sandbox's seed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from email.utils import formatdate
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
GONE = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in, with which provider, and until when. Instants are seconds since 1970."""

    issuer: str
    client: str
    claims: Mapping[str, Any]  # as the user info endpoint gave them
    access: str
    access_until: float
    refresh: str | None
    until: float


class Vault:
    """Seals values and opens them; ``key`` is the sandbox's own."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.sha256(key.encode()).digest()

    def seal(self, held: Any) -> str:
        """A text that only this vault can read. The same value gives the same text."""
        text = json.dumps(held, separators=(",", ":")).encode()
        nonce = hashlib.blake2b(text, key=self._key, digest_size=_NONCE).digest()
        return base64.b64encode(nonce + AESGCM(self._key).encrypt(nonce, text, None)).decode()

    def open(self, value: str) -> Any:
        """What a text holds; ``None`` for one that is not ours."""
        try:
            raw = base64.b64decode(value, validate=True)
            return json.loads(AESGCM(self._key).decrypt(raw[:_NONCE], raw[_NONCE:], None))
        except (ValueError, InvalidTag):
            return None

    def session(self, value: str) -> Session | None:
        """The session in a cookie's value."""
        held = self.open(value)
        return Session(**held) if isinstance(held, dict) else None


def shards(cookies: Mapping[str, str], name: str) -> list[str]:
    """The values of ``<name>-0``, ``<name>-1`` ... as far as they are there."""
    found: list[str] = []
    while (value := cookies.get(f"{name}-{len(found)}")) is not None:
        found.append(value)
    return found


def cookies(
    vault: Vault, name: str, session: Session, before: int, largest: int, *, cors: bool
) -> Iterator[str]:
    """The ``Set-Cookie`` values of a session. ``before``: shards that the client has, the rest of which go."""
    tail = f"; Expires={formatdate(session.until, usegmt=True)}; Path=/; Secure; HttpOnly" + _same_site(cors)
    value = vault.seal(asdict(session))
    size = largest - len(name) - len(tail) - 4  # the number and the equals sign
    parts = [value[at : at + size] for at in range(0, len(value), size)]
    for number, part in enumerate(parts):
        yield f"{name}-{number}={part}{tail}"
    for number in range(len(parts), before):
        yield f"{name}-{number}=; {GONE}"


def _same_site(cors: bool) -> str:
    return "; SameSite=None" if cors else ""
