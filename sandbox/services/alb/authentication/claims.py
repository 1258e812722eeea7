"""What a target is told of a user: three headers, one of them signed (ES256) by a key that anybody may read.

Source: Elastic Load Balancing developer guide, listener-authenticate-users, "User claims encoding and signature
verification". The parts of the token are padded: the guide warns of it, since common libraries refuse that.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from sandbox.services.alb.authentication.session import Session
from sandbox.services.proxy.hops import Pairs

PREFIX = b"x-amzn-oidc-"
_SIZE = 32  # bytes of each half of a signature: RFC 7518, 3.4


class Signer:
    """The key of a region's load balancers. One a sandbox; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        digest = hashlib.sha512(f"sandbox {seed} elb".encode()).digest()
        self._key = ec.derive_private_key(int.from_bytes(digest[:31], "big"), ec.SECP256R1())
        self.key_id = str(uuid.UUID(bytes=digest[32:48], version=4))

    def public_key(self) -> bytes:
        """As ``https://public-keys.auth.elb.<region>.amazonaws.com/<key id>`` gives it: PEM."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_key().public_bytes(serialization.Encoding.PEM, form)

    def token(self, session: Session, balancer: str, expires: int) -> str:
        """The claims, signed. ``balancer``: the load balancer's ARN."""
        header = {
            "typ": "JWT",
            "kid": self.key_id,
            "alg": "ES256",
            "iss": session.issuer,
            "client": session.client,
            "signer": balancer,
            "exp": expires,
        }
        payload = {**session.claims, "exp": expires, "iss": session.issuer}
        text = f"{_encoded(header)}.{_encoded(payload)}".encode()
        made = self._key.sign(text, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        halves = b"".join(number.to_bytes(_SIZE, "big") for number in decode_dss_signature(made))
        return (text + b"." + urlsafe_b64encode(halves)).decode()


def _encoded(part: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()).decode()


def headers(signer: Signer, session: Session, balancer: str, now: float, token_s: float) -> Pairs:
    """The headers for a target."""
    token = signer.token(session, balancer, int(now + token_s))
    return [
        (PREFIX + b"accesstoken", session.access.encode("latin-1", "replace")),
        (PREFIX + b"identity", str(session.claims.get("sub", "")).encode()),
        (PREFIX + b"data", token.encode()),
    ]
