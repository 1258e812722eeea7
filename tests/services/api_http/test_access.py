"""Who may call a route of an HTTP API."""

from __future__ import annotations

import asyncio
import functools
import json
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from sandbox.auth import Credential

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_ours"
UNAUTHORIZED = b'{"message":"Unauthorized"}'
FORBIDDEN = b'{"message":"Forbidden"}'
NOW = 1772366400


@functools.cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def token(**changes: Any) -> str:
    body = {"iss": ISSUER, "aud": "web", "iat": NOW - 5, "exp": NOW + 60, "sub": "me", **changes}
    given = {name: value for name, value in body.items() if value is not None}
    return jwt.encode(given, key(), algorithm="RS256", headers={"kid": "k"})


def jwks(sandbox: Any) -> None:
    public = {**json.loads(RSAAlgorithm.to_jwk(key().public_key())), "kid": "k", "alg": "RS256"}
    sandbox.control.keys[ISSUER] = [public]
    sandbox.lambda_.returns(b'{"statusCode": 200, "body": "ok"}')


def protected(http: SimpleNamespace, *scopes: str, **changes: Any) -> Any:
    gate = http.authorizer("JWT", issuer=ISSUER, audience=("web",), uri=None, payload_format=None)
    given = http.route("$default", "JWT", authorizer_id="auth1", scopes=scopes, **changes)
    return http.api(given, authorizers={"auth1": gate})


@pytest.mark.fact("2.7")
@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", ""])
def test_claims_of_a_token_reach_the_function(
    edge: SimpleNamespace, http: SimpleNamespace, prefix: str
) -> None:
    given = token(scope="chat/send chat/read", groups=["a", "b"], email_verified=True)
    reply, sandbox = http.serve(
        edge, protected(http, "chat/send"), jwks, headers={"authorization": prefix + given}
    )
    assert (reply.status, reply.body) == (200, b"ok")
    assert http.event_of(sandbox)["requestContext"]["authorizer"] == {
        "jwt": {
            "claims": {
                "iss": ISSUER,
                "aud": "web",
                "iat": str(NOW - 5),
                "exp": str(NOW + 60),
                "sub": "me",
                "scope": "chat/send chat/read",
                "groups": "[a b]",
                "email_verified": "true",
            },
            "scopes": ["chat/send"],
        }
    }


def test_claims_in_format_1(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    config = protected(http, payload_format="1.0")
    _, sandbox = http.serve(edge, config, jwks, headers={"authorization": token()})
    given = http.event_of(sandbox)["requestContext"]["authorizer"]
    assert (given["claims"]["sub"], given["scopes"]) == ("me", None)


@pytest.mark.fact("2.7")
@pytest.mark.parametrize(
    ("given", "description"),
    [
        (lambda: token(aud="other"), "the token does not have a valid audience"),
        (lambda: token(aud=None, client_id="other"), "the token does not have a valid audience"),
        (lambda: token(exp=NOW - 1), "the token has expired"),
        (lambda: "no token", "token contains an invalid number of segments"),
    ],
)
def test_a_refused_token_is_401_with_the_reason(
    edge: SimpleNamespace, http: SimpleNamespace, given: Any, description: str
) -> None:
    headers = {"authorization": f"Bearer {given()}"}
    reply, sandbox = http.serve(edge, protected(http), jwks, headers=headers)
    assert (reply.status, reply.body, reply.header("content-length")) == (401, UNAUTHORIZED, "26")
    assert reply.header("www-authenticate") == (
        f'Bearer scope="" error="invalid_token" error_description="{description}"'
    )
    assert reply.header("apigw-requestid")
    assert not sandbox.lambda_.invocations


@pytest.mark.fact("2.7")
def test_a_client_id_stands_for_a_missing_audience(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    headers = {"authorization": token(aud=None, client_id="web")}
    assert http.serve(edge, protected(http), jwks, headers=headers)[0].status == 200


def test_no_token_is_401(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    reply, _ = http.serve(edge, protected(http), jwks)
    assert (reply.status, reply.body) == (401, UNAUTHORIZED)


@pytest.mark.parametrize(("scope", "status"), [("a b", 200), ("c", 403), (None, 403)])
def test_scopes(edge: SimpleNamespace, http: SimpleNamespace, scope: str | None, status: int) -> None:
    headers = {"authorization": token(scope=scope)}
    reply, _ = http.serve(edge, protected(http, "b", "x"), jwks, headers=headers)
    assert reply.status == status
    if status == 403:
        assert reply.body == FORBIDDEN


def gated(http: SimpleNamespace, **changes: Any) -> Any:
    route = http.route("GET /chat", "CUSTOM", authorizer_id="auth1")
    other = http.route("GET /other", "CUSTOM", authorizer_id="auth1")
    return http.api(route, other, authorizers={"auth1": http.authorizer(**changes)})


def gate(answer: Any, error: str | None = None) -> Any:
    """The authorizer's answer for the function ``gate``, ``ok`` for every other one."""

    def prepare(sandbox: Any) -> None:
        from sandbox.context import InvocationResult

        async def invoke(invocation: Any) -> InvocationResult:
            is_gate = ":gate" in invocation.function
            payload = json.dumps(answer).encode() if is_gate else b'"ok"'
            return InvocationResult(200, payload, error if is_gate else None, "$LATEST", "r")

        sandbox.lambda_.answer = invoke

    return prepare


AUTHORIZED = {"authorization": "secret"}


def test_a_simple_answer_and_its_context(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    prepare = gate({"isAuthorized": True, "context": {"n": 1, "list": ["a"]}})
    reply, sandbox = http.serve(edge, gated(http), prepare, headers=AUTHORIZED)
    assert reply.status == 200
    asked = http.event_of(sandbox, 0)
    assert (asked["version"], asked["type"]) == ("2.0", "REQUEST")
    assert asked["routeArn"] == f"{http.ARN}/$default/GET/chat"
    assert asked["identitySource"] == ["secret"]
    assert asked["headers"]["authorization"] == "secret"
    assert "body" not in asked
    given = http.event_of(sandbox, 1)["requestContext"]["authorizer"]
    assert given == {"lambda": {"n": 1, "list": ["a"]}}


@pytest.mark.parametrize(
    ("answer", "error", "status", "body"),
    [
        ({"isAuthorized": False}, None, 403, FORBIDDEN),
        ({"isAuthorized": "true"}, None, 403, FORBIDDEN),
        ({"policyDocument": {}}, None, 500, b'{"message":"Internal Server Error"}'),
        ({}, "Unhandled", 500, b'{"message":"Internal Server Error"}'),
    ],
)
def test_refusals(
    edge: SimpleNamespace, http: SimpleNamespace, answer: Any, error: str | None, status: int, body: bytes
) -> None:
    reply, sandbox = http.serve(edge, gated(http), gate(answer, error), headers=AUTHORIZED)
    assert (reply.status, reply.body) == (status, body)
    assert len(sandbox.lambda_.invocations) == 1


@pytest.mark.fact("2.7")
@pytest.mark.parametrize(("after", "status", "ended"), [(9.9, 200, 9.9), (20, 500, 10.0)])
def test_an_authorizer_has_ten_seconds(
    edge: SimpleNamespace, http: SimpleNamespace, after: float, status: int, ended: float
) -> None:
    def prepare(sandbox: Any) -> None:
        gate({"isAuthorized": True})(sandbox)
        answer = sandbox.lambda_.answer

        async def slow(invocation: Any) -> Any:
            await asyncio.sleep(after if ":gate" in invocation.function else 0)
            return await answer(invocation)

        sandbox.lambda_.answer = slow

    reply, _ = http.serve(edge, gated(http), prepare, headers=AUTHORIZED)
    assert (reply.status, reply.ended_at) == (status, ended)


def test_without_its_identity_source_the_authorizer_is_not_asked(
    edge: SimpleNamespace, http: SimpleNamespace
) -> None:
    reply, sandbox = http.serve(edge, gated(http))
    assert (reply.status, reply.body) == (401, UNAUTHORIZED)
    assert not sandbox.lambda_.invocations


def test_without_permission_for_the_authorizer_it_is_500(
    edge: SimpleNamespace, http: SimpleNamespace
) -> None:
    def prepare(sandbox: Any) -> None:
        sandbox.control.resources.policies[("gate", None)] = ()

    reply, _ = http.serve(edge, gated(http), prepare, headers=AUTHORIZED)
    assert reply.status == 500


@pytest.mark.parametrize(
    ("effect", "resource", "status"),
    [("Allow", "/$default/GET/chat", 200), ("Allow", "/*/GET/other", 403), ("Deny", "/*", 403)],
)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_policy_answers(
    edge: SimpleNamespace, http: SimpleNamespace, version: str, effect: str, resource: str, status: int
) -> None:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": http.ARN + resource}
    answer = {"principalId": "me", "policyDocument": {"Statement": [statement]}, "context": {"a": "b"}}
    config = gated(http, payload_format=version, simple_responses=False)
    reply, sandbox = http.serve(edge, config, gate(answer), headers=AUTHORIZED)
    assert reply.status == status
    asked = http.event_of(sandbox, 0)
    if version == "1.0":
        assert asked["methodArn"] == f"{http.ARN}/$default/GET/chat"
        assert (asked["identitySource"], asked["authorizationToken"]) == ("secret", "secret")


def test_results_are_kept_by_identity_for_their_time(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    asked = [
        {"headers": AUTHORIZED},
        {"headers": AUTHORIZED, "wait": 59.9},
        {"headers": AUTHORIZED, "path": "/other"},  # all routes of the authorizer
        {"headers": {"authorization": "another"}},
        {"headers": AUTHORIZED, "wait": 0.2},
    ]
    _, sandbox = http.serve_all(edge, gated(http, ttl_s=60), gate({"isAuthorized": True}), *asked)
    asked_of = [one.function for one in sandbox.lambda_.invocations]
    assert [name.rpartition(":")[2] for name in asked_of] == [
        *("gate", "chat", "chat", "chat"),
        *("gate", "chat", "gate", "chat"),
    ]


def test_iam_refuses_without_a_signature(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    reply, _ = http.serve(edge, http.api(http.route("$default", "AWS_IAM")))
    assert (reply.status, reply.body) == (403, FORBIDDEN)


def allowed(action: str) -> Any:
    def prepare(sandbox: Any) -> None:
        policy = {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
        arn = "arn:aws:iam::000000000000:user/me"
        sandbox.control.credentials["AKIAME"] = Credential(
            access_key="AKIAME",
            secret_key="secret",
            session_token=None,
            principal_arn=arn,
            policies=(policy,),
        )
        sandbox.lambda_.returns(b'"ok"')

    return prepare


@pytest.mark.parametrize(("action", "status"), [("execute-api:Invoke", 200), ("s3:*", 403)])
def test_iam_by_signature_and_policy(
    edge: SimpleNamespace, http: SimpleNamespace, action: str, status: int
) -> None:
    from datetime import UTC, datetime
    from unittest.mock import patch

    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("GET", f"https://{http.HOST}/chat")
    at = datetime.fromtimestamp(NOW, UTC)
    with patch("botocore.auth.get_current_datetime", return_value=at.replace(tzinfo=None)):
        SigV4Auth(Credentials("AKIAME", "secret"), "execute-api", "us-east-1").add_auth(request)
    config = http.api(http.route("$default", "AWS_IAM"))
    reply, sandbox = http.serve(edge, config, allowed(action), headers=dict(request.headers))
    assert reply.status == status
    if status == 200:
        given = http.event_of(sandbox)["requestContext"]["authorizer"]["iam"]
        assert (given["accessKey"], given["userArn"]) == ("AKIAME", "arn:aws:iam::000000000000:user/me")
