"""JSON Web Tokens, verified once for all services, on the sandbox's time.

The order of the checks: form, algorithm, issuer, key, signature, times, audience, use. A description is what API
Gateway writes into ``www-authenticate``. Sourced are :data:`NOT_THREE_PARTS` and :data:`EXPIRED` (seen by users of
HTTP APIs, in public repositories) and :data:`WRONG_AUDIENCE` (API Gateway developer guide,
http-api-troubleshooting-jwt); the other descriptions are UNSOURCED.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

Claims = Mapping[str, Any]
Keys = Callable[[str], Awaitable[Sequence[Mapping[str, Any]]]]

NOT_THREE_PARTS = "token contains an invalid number of segments"
EXPIRED = "the token has expired"
WRONG_AUDIENCE = "the token does not have a valid audience"
# UNSOURCED wording from here on.
MALFORMED = "the token is malformed"
WRONG_ALGORITHM = "the token is not signed with a supported algorithm"
WRONG_ISSUER = "the token does not have a valid issuer"
UNKNOWN_KEY = "the token is signed with an unknown key"
BAD_SIGNATURE = "the token does not have a valid signature"
NOT_YET = "the token is not valid yet"
WRONG_USE = "the token does not have a valid use"
NO_KEYS = "the keys of the token's issuer cannot be read"

# pyjwt would read the machine's clock for the claims; they are judged here, on the sandbox's.
_SIGNATURE_ONLY = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class TokenError(Exception):
    """A token is refused.

    ``code``: RFC 6750's error (``invalid_token``), empty when there was no token. ``description``: why, as the
    ``error_description`` of a ``www-authenticate`` header; empty when there was no token.
    """

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description or "There is no token.")
        self.code = code
        self.description = description


async def verify_jwt(
    token: str,
    *,
    issuer: str,
    audiences: Collection[str],
    keys: Keys,
    now: float,
    uses: Collection[str] = (),
    algorithms: Collection[str] = ("RS256",),
) -> Claims:
    """The claims of a token that holds. Raises :class:`TokenError`.

    ``audiences``: one of them must be ``aud`` (or in it) or, when the token has no ``aud``, ``client_id``; empty:
    any. ``keys(issuer)``: the issuer's JWKs. ``now``: seconds since 1970. ``uses``: allowed values of
    ``token_use`` (``id``, ``access``); empty: any. ``algorithms``: RSA ones only make sense.
    """
    if not token:
        raise TokenError("", "")
    header, unverified = _parts(token)
    if header.get("alg") not in algorithms:
        raise _refused(WRONG_ALGORITHM)
    if unverified.get("iss") != issuer:
        raise _refused(WRONG_ISSUER)
    claims = _verified(token, await _key(header, issuer, keys), str(header["alg"]))
    _check_times(claims, now)
    _check_audience(claims, audiences)
    if uses and claims.get("token_use") not in uses:
        raise _refused(WRONG_USE)
    return claims


def scopes_of(claims: Claims) -> frozenset[str]:
    """The scopes that a token grants: ``scope`` (words) or ``scp`` (words or a list)."""
    granted = claims.get("scope", claims.get("scp", ""))
    return frozenset(granted.split() if isinstance(granted, str) else map(str, granted))


def unverified_claims(token: str) -> Claims:
    """What a token says of itself, to choose who must verify it. Raises :class:`TokenError` when it is none."""
    return _parts(token)[1]


def _refused(description: str) -> TokenError:
    return TokenError("invalid_token", description)


def _parts(token: str) -> tuple[Mapping[str, Any], Claims]:
    if token.count(".") != 2:
        raise _refused(NOT_THREE_PARTS)
    import jwt  # 50 ms, with the cryptography behind it: few sandboxes ever see a token

    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except jwt.PyJWTError as wrong:
        raise _refused(MALFORMED) from wrong
    return whole["header"], whole["payload"]


async def _key(header: Mapping[str, Any], issuer: str, keys: Keys) -> Mapping[str, Any]:
    kid = header.get("kid")
    for key in await keys(issuer):
        if kid is not None and key.get("kid") == kid:
            return key
    raise _refused(UNKNOWN_KEY)


def _verified(token: str, key: Mapping[str, Any], algorithm: str) -> Claims:
    if key.get("kty") != "RSA" or key.get("alg", algorithm) != algorithm:
        raise _refused(WRONG_ALGORITHM)
    import jwt

    try:
        public = jwt.PyJWK(dict(key), algorithm)
        claims: Claims = jwt.decode(token, public, algorithms=[algorithm], options=_SIGNATURE_ONLY)  # type: ignore[arg-type]
    except jwt.InvalidSignatureError as wrong:
        raise _refused(BAD_SIGNATURE) from wrong
    except jwt.PyJWTError as wrong:
        raise _refused(MALFORMED) from wrong
    return claims


def _check_times(claims: Claims, now: float) -> None:
    expires = _seconds(claims, "exp")
    if expires is None or now >= expires:
        raise _refused(EXPIRED)
    for name in ("nbf", "iat"):
        begins = _seconds(claims, name)
        if begins is not None and now < begins:
            raise _refused(NOT_YET)


def _seconds(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(MALFORMED)
    return value


def _check_audience(claims: Claims, audiences: Collection[str]) -> None:
    if not audiences:
        return
    named = claims["aud"] if "aud" in claims else claims.get("client_id")
    if not any(one in audiences for one in (named if isinstance(named, list) else [named])):
        raise _refused(WRONG_AUDIENCE)
