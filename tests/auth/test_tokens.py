"""Verifying a JSON Web Token: every way in which one is refused."""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from sandbox.auth import tokens
from sandbox.auth.tokens import TokenError, scopes_of, verify_jwt

NOW = 1_900_000_000  # not near the machine's date: nothing may read that
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_ours"


@functools.cache
def private_key(name: str = "ours") -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(name: str = "ours") -> dict[str, Any]:
    return {**json.loads(RSAAlgorithm.to_jwk(private_key(name).public_key())), "kid": name, "alg": "RS256"}


def claims(**changes: Any) -> dict[str, Any]:
    made = {"iss": ISSUER, "aud": "client", "token_use": "id", "iat": NOW - 60, "exp": NOW + 60, **changes}
    return {name: value for name, value in made.items() if value is not None}


def signed(body: Mapping[str, Any], *, kid: str | None = "ours", key: str = "ours") -> str:
    headers = {"kid": kid} if kid else {}
    return jwt.encode(dict(body), private_key(key), algorithm="RS256", headers=headers)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def keys(issuer: str) -> Sequence[Mapping[str, Any]]:
    assert issuer == ISSUER
    return [jwk("another"), jwk()]


def verified(token: str, **changes: Any) -> Mapping[str, Any]:
    asked = {"issuer": ISSUER, "audiences": ["client"], "keys": keys, "now": NOW, "uses": ["id"], **changes}
    return asyncio.run(verify_jwt(token, **asked))


def refusal(token: str, **changes: Any) -> tuple[str, str]:
    with pytest.raises(TokenError) as caught:
        verified(token, **changes)
    return caught.value.code, caught.value.description


def test_a_token_that_holds_gives_its_claims() -> None:
    assert verified(signed(claims(sub="ada")))["sub"] == "ada"


def test_no_token_has_no_error_code() -> None:
    assert refusal("") == ("", "")


@pytest.mark.parametrize(
    ("body", "description"),
    [
        (claims(exp=NOW), tokens.EXPIRED),
        (claims(exp=NOW - 1), tokens.EXPIRED),
        (claims(exp=None), tokens.EXPIRED),
        (claims(nbf=NOW + 1), tokens.NOT_YET),
        (claims(iat=NOW + 1), tokens.NOT_YET),
        (claims(exp="tomorrow"), tokens.MALFORMED),
        (claims(iss="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"), tokens.WRONG_ISSUER),
        (claims(iss=None), tokens.WRONG_ISSUER),
        (claims(aud="other"), tokens.WRONG_AUDIENCE),
        (claims(aud=["other", "another"]), tokens.WRONG_AUDIENCE),
        (claims(aud=None), tokens.WRONG_AUDIENCE),
        (claims(aud=None, client_id="other"), tokens.WRONG_AUDIENCE),
        (claims(aud="other", client_id="client"), tokens.WRONG_AUDIENCE),
        (claims(token_use="access"), tokens.WRONG_USE),
        (claims(token_use=None), tokens.WRONG_USE),
    ],
)
def test_claims_that_do_not_hold_are_refused(body: dict[str, Any], description: str) -> None:
    assert refusal(signed(body)) == ("invalid_token", description)


@pytest.mark.parametrize(
    "body",
    [
        claims(exp=NOW + 1, nbf=NOW, iat=NOW),
        claims(aud=["other", "client"]),
        claims(aud=None, client_id="client"),
    ],
)
def test_claims_at_the_edge_hold(body: dict[str, Any]) -> None:
    assert verified(signed(body)) == body


def test_any_audience_and_any_use_when_none_is_named() -> None:
    assert verified(signed(claims(aud="x", token_use="access")), audiences=(), uses=())


@pytest.mark.parametrize("names_algorithm", [True, False])
def test_algorithm_none_is_refused(names_algorithm: bool) -> None:
    async def bare(issuer: str) -> Sequence[Mapping[str, Any]]:
        return [{name: value for name, value in jwk().items() if name != "alg" or names_algorithm}]

    token = f"{part({'alg': 'none', 'kid': 'ours'})}.{part(claims())}."
    assert refusal(token, keys=bare) == ("invalid_token", tokens.WRONG_ALGORITHM)


@pytest.mark.parametrize("allowed", [("RS256",), ("RS256", "HS256")])
def test_hs256_with_the_public_key_as_its_secret_is_refused(allowed: tuple[str, ...]) -> None:
    secret = (
        private_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    head = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'ours'})}.{part(claims())}"
    mac = base64.urlsafe_b64encode(hmac.new(secret, head.encode(), hashlib.sha256).digest()).rstrip(b"=")
    assert refusal(f"{head}.{mac.decode()}", algorithms=allowed) == ("invalid_token", tokens.WRONG_ALGORITHM)


def test_a_key_that_the_issuer_does_not_have_is_refused() -> None:
    assert refusal(signed(claims(), kid="nobody's")) == ("invalid_token", tokens.UNKNOWN_KEY)
    assert refusal(signed(claims(), kid=None)) == ("invalid_token", tokens.UNKNOWN_KEY)


def test_another_key_under_the_name_of_the_issuers_is_refused() -> None:
    assert refusal(signed(claims(), key="mallory")) == ("invalid_token", tokens.BAD_SIGNATURE)


def test_a_changed_payload_and_a_changed_signature_are_refused() -> None:
    head, _, signature = signed(claims()).split(".")
    assert refusal(f"{head}.{part(claims(sub='admin'))}.{signature}")[1] == tokens.BAD_SIGNATURE
    body = signed(claims()).split(".")[1]
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert refusal(f"{head}.{body}.{changed}")[1] == tokens.BAD_SIGNATURE


@pytest.mark.fact("2.7")
@pytest.mark.parametrize("token", ["hello", "a.b", "a.b.c.d"])
def test_what_has_not_three_parts_is_refused_in_api_gateways_words(token: str) -> None:
    assert refusal(token) == ("invalid_token", "token contains an invalid number of segments")


@pytest.mark.parametrize("token", ["a.b.c", "..", f"{part({'alg': 'RS256'})}.{part([1])}.x", "é.é.é"])
def test_what_is_no_json_is_refused(token: str) -> None:
    assert refusal(token) == ("invalid_token", tokens.MALFORMED)


def test_scopes_come_from_scope_or_scp() -> None:
    assert scopes_of({"scope": "a b"}) == {"a", "b"}
    assert scopes_of({"scp": ["a", "b"]}) == {"a", "b"}
    assert scopes_of({}) == set()
