"""The RSA keys of user pools: one for each kind of token, as Cognito has them (fact 9.2).

A process makes a pool's keys once: pools of later sandboxes in it that get the same id get the same keys, and with
them the same tokens. The key's id is made from the pool's.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

TokenUse = Literal["id", "access"]
USES: tuple[TokenUse, ...] = ("id", "access")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair. ``kid``: its name in the header of a token and in the key set."""

    kid: str
    private: RSAPrivateKey
    public_jwk: Mapping[str, Any]


_made: dict[tuple[str, TokenUse], SigningKey] = {}


async def signing_key(pool_id: str, use: TokenUse) -> SigningKey:
    """The key with which a pool signs tokens of that use; made off the loop when first asked for."""
    key = _made.get((pool_id, use))
    if key is None:
        key = await asyncio.to_thread(_make, pool_id, use)
        key = _made.setdefault((pool_id, use), key)  # another task may have been first
    return key


async def public_keys(pool_id: str) -> list[Mapping[str, Any]]:
    """The pool's key set, as ``jwks.json`` lists it."""
    made = await asyncio.gather(*(signing_key(pool_id, use) for use in USES))
    return [key.public_jwk for key in made]


def _make(pool_id: str, use: TokenUse) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from jwt.algorithms import RSAAlgorithm

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kid = b64encode(hashlib.sha256(f"{pool_id} {use}".encode()).digest()).decode()
    jwk = json.loads(RSAAlgorithm.to_jwk(private.public_key()))
    public = {"alg": "RS256", "e": jwk["e"], "kid": kid, "kty": "RSA", "n": jwk["n"], "use": "sig"}
    return SigningKey(kid, private, public)
