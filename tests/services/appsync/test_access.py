"""The five ways in, and what each caller may have."""

from __future__ import annotations

import asyncio
import functools
import json
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from sandbox.auth import Credential
from sandbox.control.appsync import AuthProvider

NOW = 1772366400
POOL = {"userPoolId": "us-east-1_ours", "awsRegion": "us-east-1", "defaultAction": "ALLOW"}
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_ours"
FOREIGN = "https://login.example.com"
COGNITO = AuthProvider("AMAZON_COGNITO_USER_POOLS", user_pool=POOL)
GATE = "arn:aws:lambda:us-east-1:000000000000:function:chat"
UNAUTHORIZED = "You are not authorized to make this call."
CODE = """
export function request(ctx) { return { payload: ctx.identity }; }
export function response(ctx) { return JSON.stringify(ctx.result); }
"""


@functools.cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def token(**changes: Any) -> str:
    body = {
        "iss": ISSUER,
        "aud": "web",
        "iat": NOW - 5,
        "exp": NOW + 60,
        "sub": "me",
        "token_use": "id",
        **changes,
    }
    given = {name: value for name, value in body.items() if value is not None}
    return jwt.encode(given, key(), algorithm="RS256", headers={"kid": "k"})


def asked(
    appsync: SimpleNamespace, config: Any, headers: Any, prepare: Any = None, query: str = "{ hello }"
) -> tuple[int, Any]:
    """(status, document) of a query."""

    async def script(world: Any) -> Any:
        public = {**json.loads(RSAAlgorithm.to_jwk(key().public_key())), "kid": "k", "alg": "RS256"}
        world.sandbox.control.keys |= {ISSUER: [public], FOREIGN: [public]}
        if prepare:
            prepare(world)
        reply = await world.send(json.dumps({"query": query}), headers)
        return reply.status, json.loads(reply.body)

    status, document = appsync.play(script, config)
    return status, document


def identity(document: Any) -> Any:
    return json.loads(document["data"]["hello"])


def hello(appsync: SimpleNamespace, *auth: AuthProvider, schema: str | None = None, **changes: Any) -> Any:
    more = {"schema": schema} if schema else {}
    return appsync.api(appsync.resolver("Query.hello", CODE), auth=auth, **more, **changes)


# -- user pools


@pytest.mark.fact("5.13")
def test_a_user_of_a_pool(appsync: SimpleNamespace) -> None:
    given = token(**{"cognito:username": "ann", "cognito:groups": ["staff"]})
    status, document = asked(appsync, hello(appsync, COGNITO), {"authorization": given})
    assert status == 200
    seen = identity(document)
    assert {name: seen[name] for name in seen if name != "claims"} == {
        "sub": "me",
        "issuer": ISSUER,
        "username": "ann",
        "groups": ["staff"],
        "sourceIp": ["127.0.0.1"],
        "defaultAuthStrategy": "ALLOW",
    }
    assert seen["claims"]["cognito:username"] == "ann"


@pytest.mark.fact("5.10")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: "Bearer " + token(), "Unable to parse JWT token."),
        (lambda: "nonsense", "Unable to parse JWT token."),
        (lambda: token(exp=NOW - 1), "Token has expired."),
        (lambda: token(iss="https://elsewhere.example.com"), UNAUTHORIZED),
        (lambda: token()[:-8] + "AAAAAAAA", UNAUTHORIZED),
    ],
)
def test_tokens_that_let_nobody_in(appsync: SimpleNamespace, given: Any, message: str) -> None:
    status, document = asked(appsync, hello(appsync, COGNITO), {"authorization": given()})
    assert status == 401
    assert document == {"errors": [{"errorType": "UnauthorizedException", "message": message}]}


def test_a_client_id_that_the_api_does_not_take(appsync: SimpleNamespace) -> None:
    picky = AuthProvider("AMAZON_COGNITO_USER_POOLS", user_pool={**POOL, "appIdClientRegex": "mobile-.*"})
    assert asked(appsync, hello(appsync, picky), {"authorization": token()})[0] == 401
    assert asked(appsync, hello(appsync, picky), {"authorization": token(aud="mobile-1")})[0] == 200


GROUPS = """
type Query {
  hello: String @aws_auth(cognito_groups: ["staff"])
  free: String
}
"""


@pytest.mark.parametrize(
    ("groups", "action", "query", "allowed"),
    [
        (["staff"], "ALLOW", "hello", True),
        (["other"], "ALLOW", "hello", False),
        (None, "ALLOW", "hello", False),
        (None, "ALLOW", "free", True),
        (None, "DENY", "free", False),
        (["staff"], "DENY", "hello", True),
    ],
)
def test_groups_of_a_pool(
    appsync: SimpleNamespace, groups: Any, action: str, query: str, allowed: bool
) -> None:
    pool = AuthProvider("AMAZON_COGNITO_USER_POOLS", user_pool={**POOL, "defaultAction": action})
    given = {"authorization": token(**{"cognito:groups": groups})}
    status, document = asked(appsync, hello(appsync, pool, schema=GROUPS), given, query=f"{{ {query} }}")
    assert status == 200
    if allowed:
        assert "errors" not in document
        return
    assert document["data"] == {query: None}
    assert document["errors"] == [
        {
            "path": [query],
            "data": None,
            "errorType": "Unauthorized",
            "errorInfo": None,
            "locations": [{"line": 1, "column": 3, "sourceName": None}],
            "message": f"Not Authorized to access {query} on type Query",
        }
    ]


# -- directives

DIRECTED = """
type Thing @aws_api_key @aws_cognito_user_pools {
  open: String
  secret: String @aws_cognito_user_pools(cognito_groups: ["staff"])
}
type Query {
  plain: String
  keyed: String @aws_api_key
  both: Thing @aws_api_key @aws_cognito_user_pools
}
"""


@pytest.mark.parametrize(
    ("by", "query", "denied"),
    [
        ("key", "plain", []),
        ("pool", "plain", ["plain"]),
        ("key", "keyed", []),
        ("pool", "keyed", ["keyed"]),
        ("key", "both { open secret }", ["both", "secret"]),
        ("pool", "both { open secret }", []),
        ("outsider", "both { open secret }", ["both", "secret"]),
    ],
)
def test_directives_of_fields_and_types(
    appsync: SimpleNamespace, by: str, query: str, denied: list[str]
) -> None:
    answer = '{ open: "o", secret: "s" }'
    code = f"export function request() {{ return {{}}; }} export function response() {{ return {answer}; }}"
    config = appsync.api(
        appsync.resolver("Query.both", code), auth=(AuthProvider("API_KEY"), COGNITO), schema=DIRECTED
    )
    groups = {"pool": ["staff"], "outsider": ["others"]}
    given = {"authorization": token(**{"cognito:groups": groups[by]})} if by in groups else None
    _, document = asked(appsync, config, given, query=f"{{ {query} }}")
    assert [error["path"] for error in document.get("errors", ())] == ([denied] if denied else [])


# -- OpenID Connect


@pytest.mark.fact("5.13")
def test_openid_connect(appsync: SimpleNamespace) -> None:
    openid = AuthProvider(
        "OPENID_CONNECT", openid={"issuer": FOREIGN, "clientId": "app|web", "iatTTL": 10_000}
    )
    config = hello(appsync, openid)
    status, document = asked(appsync, config, {"authorization": token(iss=FOREIGN)})
    assert (status, identity(document)["issuer"]) == (200, FOREIGN)
    assert asked(appsync, config, {"authorization": token(iss=FOREIGN, aud="other")})[0] == 401
    assert asked(appsync, config, {"authorization": token(iss=FOREIGN, iat=NOW - 11)})[0] == 401


# -- IAM


def signed(body: str, access_key: str = "AKIAUSER", secret: str = "secret") -> dict[str, str]:
    url = "https://api1.appsync-api.us-east-1.amazonaws.com/graphql"
    request = AWSRequest("POST", url, data=body.encode(), headers={"content-type": "application/json"})
    SigV4Auth(Credentials(access_key, secret), "appsync", "us-east-1").add_auth(request)
    return {name: value for name, value in request.headers.items() if name.lower() != "host"}


def iam(appsync: SimpleNamespace, headers: dict[str, str], prepare: Any = None) -> tuple[int, Any]:
    return asked(appsync, hello(appsync, AuthProvider("AWS_IAM")), headers, prepare)


QUERY = json.dumps({"query": "{ hello }"})


@pytest.mark.fact("5.13")
def test_a_signature(appsync: SimpleNamespace) -> None:
    status, document = iam(appsync, signed(QUERY))
    assert status == 200
    seen = identity(document)
    assert seen["userArn"] == "arn:aws:iam::000000000000:user/me"
    assert (seen["accountId"], seen["username"], seen["sourceIp"]) == (
        "000000000000",
        "AIDAME",
        ["127.0.0.1"],
    )


def test_a_signature_with_another_secret(appsync: SimpleNamespace) -> None:
    status, document = iam(appsync, signed(QUERY, secret="other"))
    assert (status, document["errors"][0]["errorType"]) == (403, "InvalidSignatureException")


def test_an_unknown_access_key(appsync: SimpleNamespace) -> None:
    status, document = iam(appsync, signed(QUERY, "AKIANOBODY"))
    assert (status, document["errors"][0]["errorType"]) == (403, "UnrecognizedClientException")


@pytest.mark.parametrize(("field", "allowed"), [("hello", True), ("other", False)])
def test_policies_name_fields(appsync: SimpleNamespace, field: str, allowed: bool) -> None:
    resource = f"{appsync.ARN}/types/Query/fields/{field}"
    policy = {"Statement": [{"Effect": "Allow", "Action": "appsync:GraphQL", "Resource": resource}]}

    def prepare(world: Any) -> None:
        arn = "arn:aws:iam::000000000000:user/me"
        made = Credential("AKIAUSER", "secret", None, arn, policies=(policy,), user_id="AIDAME")
        world.sandbox.control.credentials["AKIAUSER"] = made

    status, document = iam(appsync, signed(QUERY), prepare)
    assert (status, "errors" in document) == ((200, False) if allowed else (401, True))
    if not allowed:
        told = {"errorType": "UnauthorizedException", "message": "Permission denied"}
        assert document == {"errors": [told]}


# -- Lambda


def gate(**changes: Any) -> AuthProvider:
    return AuthProvider("AWS_LAMBDA", authorizer={"authorizerUri": GATE, **changes})


def says(answer: Any, **more: Any) -> Any:
    def prepare(world: Any) -> None:
        world.sandbox.lambda_.returns(json.dumps(answer).encode(), **more)

    return prepare


@pytest.mark.fact("5.13")
def test_a_lambda_authorizer_is_asked(appsync: SimpleNamespace) -> None:
    events: list[Any] = []

    def prepare(world: Any) -> None:
        says({"isAuthorized": True, "resolverContext": {"plan": "pro"}})(world)
        answer = world.sandbox.lambda_.answer

        async def noting(invocation: Any) -> Any:
            events.append(json.loads(invocation.payload))
            return await answer(invocation)

        world.sandbox.lambda_.answer = noting

    query = "query Q { hello }"
    _, document = asked(appsync, hello(appsync, gate()), {"authorization": "custom"}, prepare, query)
    assert identity(document) == {"resolverContext": {"plan": "pro"}}
    (event,) = events
    assert event["authorizationToken"] == "custom"
    context = event["requestContext"]
    assert (context["apiId"], context["queryString"], context["variables"]) == ("api1", query, {})
    assert event["requestHeaders"]["authorization"] == "custom"


@pytest.mark.parametrize(
    ("prepare", "authorizer"),
    [
        (says({"isAuthorized": False}), {}),
        (says({}), {}),
        (lambda world: None, {"identityValidationExpression": "v1-.*"}),
    ],
)
def test_a_lambda_authorizer_that_lets_nobody_in(
    appsync: SimpleNamespace, prepare: Any, authorizer: dict[str, Any]
) -> None:
    config = hello(appsync, gate(**authorizer))
    status, document = asked(appsync, config, {"authorization": "custom"}, prepare)
    assert (status, document["errors"][0]["message"]) == (401, UNAUTHORIZED)


@pytest.mark.parametrize(
    "prepare",
    [
        says("yes"),
        says({"errorMessage": "x"}, error="Unhandled"),
        says({"isAuthorized": True}, after=10.001),
        lambda world: world.sandbox.control.resources.policies.clear(),
    ],
)
def test_a_lambda_authorizer_that_cannot_be_asked(appsync: SimpleNamespace, prepare: Any) -> None:
    status, document = asked(appsync, hello(appsync, gate()), {"authorization": "custom"}, prepare)
    assert (status, document) == (400, {"errors": [{"errorType": "BadRequestException"}]})


@pytest.mark.parametrize(
    "name", ["Query.hello", "arn:aws:appsync:us-east-1:0:apis/api1/types/Query/fields/hello"]
)
def test_denied_fields_are_null(appsync: SimpleNamespace, name: str) -> None:
    prepare = says({"isAuthorized": True, "deniedFields": [name]})
    _, document = asked(appsync, hello(appsync, gate()), {"authorization": "custom"}, prepare)
    assert document["data"] == {"hello": None}
    assert document["errors"][0]["errorType"] == "Unauthorized"


@pytest.mark.parametrize(
    ("ttl", "override", "wait", "asked_times"),
    [(0, None, 0, 2), (60, None, 59, 1), (60, None, 60, 2), (60, 0, 1, 2), (0, 30, 29, 1)],
)
def test_answers_of_a_lambda_authorizer_are_kept(
    appsync: SimpleNamespace, ttl: int, override: int | None, wait: int, asked_times: int
) -> None:
    async def script(world: Any) -> Any:
        more = {} if override is None else {"ttlOverride": override}
        world.sandbox.lambda_.returns(json.dumps({"isAuthorized": True, **more}).encode())
        await world.post("{ __typename }", {"authorization": "custom"})
        await asyncio.sleep(wait)
        await world.post("{ __typename }", {"authorization": "custom"})
        return len(world.sandbox.lambda_.invocations)

    config = hello(appsync, gate(authorizerResultTtlInSeconds=ttl))
    assert appsync.play(script, config) == asked_times
