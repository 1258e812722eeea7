"""The canonical request and the signature of SigV4: pure functions.

Source: IAM User Guide, "Create a signed AWS API request"; S3 API Reference, "Authenticating Requests".
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from urllib.parse import quote, unquote

from sandbox.auth.request import HEADER_ALGORITHM, Signature, SignedRequest

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

# IoT's WebSocket adds the session token after signing (AWS SDK for IoT devices, WebSocket signing).
_TOKEN_NOT_SIGNED = {"iotdevicegateway"}


def canonical_path(path: str, service: str) -> str:
    """S3: each character encoded once, not normalised. Others: normalised, the sent text encoded again."""
    if service in ("s3", "s3-object-lambda", "s3express"):
        return quote(unquote(path), safe="/~") or "/"
    return quote(_normalize(path or "/"), safe="/~")


def _normalize(path: str) -> str:
    """Remove dot segments and empty segments (RFC 3986, 5.2.4); a slash at the end stays."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    tail = "/" if kept and segments[-1] in ("", ".", "..") else ""
    return "/" + "/".join(kept) + tail


def _signed_pairs(request: SignedRequest, service: str) -> list[tuple[str, str]]:
    """The query parameters under the signature: all but the signature itself."""
    left_out = {"x-amz-signature"}
    if service in _TOKEN_NOT_SIGNED:
        left_out.add("x-amz-security-token")
    return [(n, v) for n, v in request.query_pairs() if unquote(n).lower() not in left_out]


def canonical_queries(request: SignedRequest, service: str) -> list[str]:
    """The canonical query in its two readings.

    First with every name and value decoded and encoded by the rule; then as sent, only sorted: signers sign
    unencoded characters (``+``, ``:``) of a ready URL as they stand.
    """
    pairs = _signed_pairs(request, service)
    encoded = [(quote(unquote(n), safe="-_.~"), quote(unquote(v), safe="-_.~")) for n, v in pairs]
    readings = ["&".join(f"{n}={v}" for n, v in sorted(reading)) for reading in (encoded, pairs)]
    return list(dict.fromkeys(readings))


def payload_hash(request: SignedRequest, service: str, presigned: bool) -> str:
    """The last line of the canonical request.

    ``x-amz-content-sha256`` counts when it names a mode (``UNSIGNED-PAYLOAD``, ``STREAMING-...``) or when the
    body is not at hand; else the body itself counts, so that a body changed on its way is noticed.
    """
    claimed = request.header("x-amz-content-sha256")
    if claimed and (request.body is None or claimed == UNSIGNED_PAYLOAD or claimed.startswith("STREAMING-")):
        return claimed
    if presigned and service in ("s3", "s3-object-lambda", "s3express"):
        return UNSIGNED_PAYLOAD
    return sha256(request.body or b"").hexdigest()


def canonical_requests(request: SignedRequest, signature: Signature, service: str) -> list[str]:
    """The canonical request, once for each reading of the query."""
    names = signature.signed_headers
    # Over HTTP/2 the AWS SDK for JavaScript signs the pseudo-header; the server knows it as Host.
    fields = ((name, "host" if name == ":authority" else name) for name in names)
    headers = "".join(f"{name}:{request.header(field) or ''}\n" for name, field in fields)
    digest = payload_hash(request, service, signature.expires_s is not None)
    path = canonical_path(request.path, service)
    return [
        "\n".join([request.method.upper(), path, query, headers, ";".join(names), digest])
        for query in canonical_queries(request, service)
    ]


def string_to_sign(canonical_request: str, signature: Signature) -> str:
    """What the key signs."""
    digest = sha256(canonical_request.encode("utf-8", "surrogateescape")).hexdigest()
    return "\n".join([HEADER_ALGORITHM, signature.timestamp, str(signature.scope), digest])


def sign(secret_key: str, signature: Signature, text: str) -> str:
    """The hexadecimal signature of a string to sign."""
    key = f"AWS4{secret_key}".encode()
    scope = signature.scope
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()
