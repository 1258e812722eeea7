"""The server's side of SRP-6a as Cognito speaks it: 3072-bit group of RFC 5054, SHA-256, its own key derivation.

Numbers are hashed as bytes with a leading zero byte when their first bit is set. The password's key is
``H(salt | H(pool | user | ":" | password))``, where ``pool`` is what follows ``_`` in the pool's id. What both
sides prove is an HMAC over pool, user, secret block and time stamp. Source: the clients that must succeed,
amazon-cognito-identity-js (AuthenticationHelper) and pycognito (aws_srp).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass

N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33"
    "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"
    "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2"
    "08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
G = 2
INFO = b"Caldera Derived Key"


def padded(number: int) -> bytes:
    """The number's bytes, with a zero byte before a first bit that is set."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest(), "big")


K = _hash(padded(N) + padded(G))


def verifier(pool: str, user: str, password: str, salt: int) -> int:
    """What a server keeps instead of the password."""
    inner = hashlib.sha256(f"{pool}{user}:{password}".encode()).digest()
    return pow(G, _hash(padded(salt) + inner), N)


@dataclass(frozen=True, slots=True)
class Handshake:
    """A login under way, between the two requests of a client.

    ``pool`` and ``user`` are hashed as they stand. ``a``: the client's public number, ``b``: our private one.
    ``secret_block``: base64, which the client sends back.
    """

    pool: str
    user: str
    salt: int
    verifier: int
    a: int
    b: int
    secret_block: str

    @property
    def public(self) -> int:
        """Our public number B."""
        return (K * self.verifier + pow(G, self.b, N)) % N

    def proof(self, timestamp: str) -> str:
        """The signature, base64, that a client who knows the password sends."""
        u = _hash(padded(self.a) + padded(self.public))
        shared = pow(self.a * pow(self.verifier, u, N), self.b, N)
        derived = hmac.digest(padded(u), padded(shared), "sha256")
        key = hmac.digest(derived, INFO + b"\x01", "sha256")[:16]
        message = f"{self.pool}{self.user}".encode() + b64decode(self.secret_block) + timestamp.encode()
        return b64encode(hmac.digest(key, message, "sha256")).decode()

    def proves(self, signature: str, timestamp: str) -> bool:
        """Whether the client knows the password."""
        return hmac.compare_digest(self.proof(timestamp).encode(), signature.encode())


def is_public_number(value: int) -> bool:
    """RFC 5054, 2.5.4: the client's number must not be a multiple of N."""
    return value % N != 0
