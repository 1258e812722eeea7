"""Authorizers of REST APIs: Cognito, Lambda TOKEN and REQUEST, and the API's resource policy."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.context import Invocation, InvocationResult
from sandbox.control.resources import PolicyStatement

POOL = "us-east-1_abc"
ISSUER = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"
ARN = f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{POOL}"
GUARD = "arn:aws:lambda:us-east-1:000000000000:function:guard"
GUARD_URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{GUARD}/invocations"
METHOD = "arn:aws:execute-api:us-east-1:000000000000:api1/prod/GET/chat"
UNAUTHORIZED = (401, b'{"message":"Unauthorized"}', "UnauthorizedException")
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def token(now: float, key: Any = KEY, **claims: Any) -> str:
    given = {
        "iss": ISSUER,
        "sub": "u1",
        "aud": "client1",
        "token_use": "id",
        "iat": int(now),
        "exp": int(now) + 3600,
        "cognito:groups": ["a", "b"],
        "email_verified": True,
        **claims,
    }
    return jwt.encode(given, key, algorithm="RS256", headers={"kid": "k1"})


def cognito(rest: SimpleNamespace, scopes: tuple[str, ...] = ()) -> Any:
    method = rest.method(authorization="COGNITO_USER_POOLS")
    method = replace(method, authorizer_id="auth1", scopes=scopes)
    authorizer = {"id": "auth1", "type": "COGNITO_USER_POOLS", "providerARNs": [ARN]}
    return rest.api(rest.resource("/chat", method), authorizers={"auth1": authorizer})


def with_keys(sandbox: Any) -> None:
    async def issuer_keys(issuer: str) -> Any:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        return [{**public, "kid": "k1", "alg": "RS256"}] if issuer == ISSUER else None

    sandbox.control.issuer_keys = issuer_keys
    sandbox.lambda_.returns(b'{"statusCode":200}')


def seen(reply: Any) -> tuple[int, bytes, str | None]:
    return reply.status, reply.body, reply.header("x-amzn-errortype")


@pytest.mark.fact("9.5")
def test_cognito_takes_the_id_token_and_hands_its_claims_on(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    headers = {"authorization": token(edge.START.timestamp())}
    reply, sandbox = rest.serve(edge, cognito(rest), with_keys, headers=headers)
    assert reply.status == 200
    claims = rest.event_of(sandbox)["requestContext"]["authorizer"]["claims"]
    assert (claims["sub"], claims["cognito:groups"], claims["email_verified"]) == ("u1", "a,b", "true")


@pytest.mark.fact("1.8", "9.5")
@pytest.mark.parametrize(
    "claims",
    [
        None,
        {"exp": 1_600_000_000},
        {"iss": ISSUER + "x"},
        {"token_use": "access"},
        {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
    ],
)
def test_cognito_refuses_with_awss_401(edge: SimpleNamespace, rest: SimpleNamespace, claims: Any) -> None:
    headers = {} if claims is None else {"authorization": token(edge.START.timestamp(), **claims)}
    reply, sandbox = rest.serve(edge, cognito(rest), with_keys, headers=headers)
    assert seen(reply) == UNAUTHORIZED
    assert not sandbox.lambda_.invocations


@pytest.mark.fact("9.5")
@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"token_use": "access", "scope": "chat/read chat/write"}, 200),
        ({"token_use": "access", "scope": "chat/write"}, 401),
        ({"scope": "chat/read"}, 401),
    ],
)
def test_method_with_scopes_wants_the_access_token(
    edge: SimpleNamespace, rest: SimpleNamespace, claims: Any, status: int
) -> None:
    headers = {"authorization": "Bearer " + token(edge.START.timestamp(), **claims)}
    reply, _ = rest.serve(edge, cognito(rest, ("chat/read",)), with_keys, headers=headers)
    assert reply.status == status


# -- Lambda authorizers


def guarded(rest: SimpleNamespace, *paths: str, **authorizer: Any) -> Any:
    method = replace(rest.method(authorization="CUSTOM"), authorizer_id="auth1")
    given = {"id": "auth1", "type": "TOKEN", "authorizerUri": GUARD_URI, **authorizer}
    resources = [rest.resource(path, method) for path in paths or ("/chat",)]
    return rest.api(*resources, authorizers={"auth1": given})


def policy(effect: str = "Allow", resource: str = METHOD, **more: Any) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "me", "policyDocument": document, **more}


def guard(result: Any, error: str | None = None) -> Any:
    """The guard gives ``result``, the other function an answer."""

    def prepare(sandbox: Any) -> None:
        condition = {"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:*:*:api1/authorizers/auth1"}}
        who = {"Service": "apigateway.amazonaws.com"}
        sandbox.control.resources.policies[("guard", None)] = (
            PolicyStatement("s", "Allow", who, ("lambda:InvokeFunction",), GUARD, condition),
        )

        async def answer(invocation: Invocation) -> InvocationResult:
            own = invocation.function == GUARD
            payload = json.dumps(result if own else {"statusCode": 200, "body": "ok"}).encode()
            return InvocationResult(200, payload, error if own else None, "$LATEST", "r")

        sandbox.lambda_.answer = answer

    return prepare


def asked(sandbox: Any) -> list[Any]:
    return [json.loads(i.payload) for i in sandbox.lambda_.invocations if i.function == GUARD]


def test_token_authorizer_allows_and_hands_its_context_on(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    result = policy(context={"plan": "pro", "n": 3, "ok": True})
    config = guarded(rest, identityValidationExpression="^key-.*")
    reply, sandbox = rest.serve(edge, config, guard(result), headers={"Authorization": "key-1"})
    assert reply.status == 200
    assert asked(sandbox) == [{"type": "TOKEN", "methodArn": METHOD, "authorizationToken": "key-1"}]
    event = json.loads(sandbox.lambda_.invocations[1].payload)
    assert event["requestContext"]["authorizer"] == {
        "principalId": "me",
        "plan": "pro",
        "n": "3",
        "ok": "true",
    }


def test_request_authorizer_gets_the_request(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    sources = "method.request.header.X-Key, method.request.querystring.q"
    config = guarded(rest, type="REQUEST", identitySource=sources)
    path = "/prod/chat?q=1"
    reply, sandbox = rest.serve(edge, config, guard(policy()), path, headers={"X-Key": "k"})
    assert reply.status == 200
    (event,) = asked(sandbox)
    assert (event["type"], event["methodArn"], event["resource"]) == ("REQUEST", METHOD, "/chat")
    assert (event["queryStringParameters"], event["pathParameters"]) == ({"q": "1"}, {})
    assert event["headers"]["X-Key"] == "k"
    assert "body" not in event
    reply, sandbox = rest.serve(edge, config, guard(policy()), headers={"X-Key": "k"})
    assert seen(reply) == UNAUTHORIZED  # a source is missing: the function is not asked
    assert asked(sandbox) == []


@pytest.mark.fact("1.8")
@pytest.mark.parametrize(
    ("result", "error", "expected"),
    [
        (
            policy("Deny"),
            None,
            (
                403,
                b'{"Message":"User is not authorized to access this resource with an explicit deny in an '
                b'identity-based policy"}',
                "AccessDeniedException",
            ),
        ),
        (
            policy("Allow", METHOD + "/other"),
            None,
            (
                403,
                b'{"Message":"User is not authorized to access this resource because no identity-based policy '
                b'allows the execute-api:Invoke action"}',
                "AccessDeniedException",
            ),
        ),
        ({"errorMessage": "Unauthorized"}, "Unhandled", UNAUTHORIZED),
        ({"errorMessage": "boom"}, "Unhandled", (500, b'{"message":null}', "AuthorizerFailureException")),
        ({"principalId": "me"}, None, (500, b'{"message":null}', "AuthorizerConfigurationException")),
        ("text", None, (500, b'{"message":null}', "AuthorizerConfigurationException")),
        (
            policy(context={"deep": {}}),
            None,
            (500, b'{"message":null}', "AuthorizerConfigurationException"),
        ),
    ],
)
def test_lambda_authorizer_refuses(
    edge: SimpleNamespace, rest: SimpleNamespace, result: Any, error: Any, expected: Any
) -> None:
    reply, _ = rest.serve(edge, guarded(rest), guard(result, error), headers={"Authorization": "t"})
    assert seen(reply) == expected


@pytest.mark.fact("1.8")
@pytest.mark.parametrize("headers", [{}, {"Authorization": "no-key"}])
def test_token_that_is_missing_or_does_not_match_is_a_401(
    edge: SimpleNamespace, rest: SimpleNamespace, headers: Any
) -> None:
    config = guarded(rest, identityValidationExpression="^key-.*")
    reply, sandbox = rest.serve(edge, config, guard(policy()), headers=headers)
    assert seen(reply) == UNAUTHORIZED
    assert asked(sandbox) == []


def test_authorizer_without_permission_is_a_configuration_error(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    def prepare(sandbox: Any) -> None:
        guard(policy())(sandbox)
        del sandbox.control.resources.policies[("guard", None)]

    reply, _ = rest.serve(edge, guarded(rest), prepare, headers={"Authorization": "t"})
    assert reply.header("x-amzn-errortype") == "AuthorizerConfigurationException"


@pytest.mark.parametrize(("ttl", "later", "times"), [(300, 299.9, 1), (300, 300.1, 2), (0, 1.0, 2)])
def test_result_is_kept_for_its_time(
    edge: SimpleNamespace, rest: SimpleNamespace, ttl: int, later: float, times: int
) -> None:
    from sandbox.services.api_rest import RestApiService

    async def main(clock: Any) -> int:
        sandbox = edge.new_sandbox(clock)
        config = guarded(rest, "/chat", "/other", authorizerResultTtlInSeconds=ttl)
        sandbox.control.resources.apis[("api1", "prod")] = config
        sandbox.control.resources.policies[("chat", None)] = rest.permission()
        guard(policy())(sandbox)
        service = RestApiService(sandbox)
        headers = {"Authorization": "t"}
        first = await edge.request(service, clock, rest.HOST, "/prod/chat", headers=headers)
        await clock.advance(later)
        again = await edge.request(service, clock, rest.HOST, "/prod/chat", headers=headers)
        assert (first.status, again.status) == (200, 200)
        count = len(asked(sandbox))
        # A kept policy that names one method only refuses the others.
        other = await edge.request(service, clock, rest.HOST, "/prod/other", headers=headers)
        assert other.status == 403
        return count

    assert edge.run(main) == times


# -- resource policies


def statement(effect: str, **more: Any) -> dict[str, Any]:
    resource = "arn:aws:execute-api:us-east-1:000000000000:api1/*"
    return {"Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": resource, **more}


def by_address(effect: str, address: str) -> dict[str, Any]:
    return statement(effect, Condition={"IpAddress": {"aws:SourceIp": [address]}})


@pytest.mark.parametrize(
    ("statements", "end"),
    [
        ([statement("Allow")], None),
        ([by_address("Allow", "127.0.0.0/8")], None),
        (
            [by_address("Allow", "10.0.0.0/8")],
            "because no resource-based policy allows the execute-api:Invoke action",
        ),
        (
            [statement("Allow"), by_address("Deny", "127.0.0.1/32")],
            "with an explicit deny in a resource-based policy",
        ),
    ],
)
def test_resource_policy(edge: SimpleNamespace, rest: SimpleNamespace, statements: Any, end: Any) -> None:
    config = rest.api(policy={"Version": "2012-10-17", "Statement": statements})
    reply, _ = rest.serve(edge, config, rest.returns(rest.OK))
    if end is None:
        assert reply.status == 200
        return
    arn = "arn:aws:execute-api:us-east-1:********0000:api1/prod/GET/chat"
    text = f"User: anonymous is not authorized to perform: execute-api:Invoke on resource: {arn} {end}"
    assert (reply.status, json.loads(reply.body)) == (403, {"Message": text})


def test_explicit_deny_comes_before_the_authorizer(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    config = replace(guarded(rest), policy={"Statement": [by_address("Deny", "127.0.0.1")]})
    reply, sandbox = rest.serve(edge, config, guard(policy()), headers={"Authorization": "t"})
    assert reply.status == 403
    assert asked(sandbox) == []
