"""Proofs of the rows about Cognito at the edges that take its tokens and credentials; its Lambda triggers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.auth.tokens import unverified_claims
from sandbox.aws.errors import AwsError

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

PASSWORD = "Correct-horse-1"
CLAIMS = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event["requestContext"]["authorizer"]["claims"])}
"""
HELLO = """
def handler(event, context):
    return {"statusCode": 200, "body": "hello"}
"""
BEFORE_TOKENS = """
def handler(event, context):
    assert event["triggerSource"] == "TokenGeneration_Authentication", event
    attributes = event["request"]["userAttributes"]
    event["response"] = {"claimsOverrideDetails": {
        "claimsToAddOrOverride": {"tenant": attributes["email"].split("@")[1]},
        "claimsToSuppress": ["email"],
        "groupOverrideDetails": {"groupsToOverride": ["made-up"]},
    }}
    return event
"""
SCOPES = """
def handler(event, context):
    assert event["version"] == "2", event
    event["response"] = {"claimsAndScopeOverrideDetails": {
        "accessTokenGeneration": {"claimsToAddOrOverride": {"plan": "pro"}, "scopesToAdd": ["chat/send"]}}}
    return event
"""
AT_SIGN_UP = """
def handler(event, context):
    if event["triggerSource"] == "PreSignUp_SignUp":
        if not event["request"]["userAttributes"]["email"].endswith("@example.com"):
            raise ValueError("only example.com")
        event["response"].update({"autoConfirmUser": True, "autoVerifyEmail": True})
    return event
"""


def arn(function: str) -> str:
    return f"arn:aws:lambda:us-east-1:000000000000:function:{function}"


async def make_pool(world: World, **pool: Any) -> tuple[str, str]:
    """(pool's id, client's id), with the user ada."""
    made = await world.aws("cognito-idp", "CreateUserPool", PoolName="people", **pool)
    at = {"UserPoolId": made["UserPool"]["Id"]}
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    client = await world.aws(
        "cognito-idp", "CreateUserPoolClient", ClientName="web", ExplicitAuthFlows=flows, **at
    )
    email = [{"Name": "email", "Value": "ada@example.com"}]
    user = {"Username": "ada", **at}
    await world.aws("cognito-idp", "AdminCreateUser", UserAttributes=email, MessageAction="SUPPRESS", **user)
    await world.aws("cognito-idp", "AdminSetUserPassword", Password=PASSWORD, Permanent=True, **user)
    return at["UserPoolId"], client["UserPoolClient"]["ClientId"]


async def log_in(world: World, client: str) -> dict[str, str]:
    given = {"USERNAME": "ada", "PASSWORD": PASSWORD}
    made = await world.aws(
        "cognito-idp", "InitiateAuth", AuthFlow="USER_PASSWORD_AUTH", ClientId=client, AuthParameters=given
    )
    result: dict[str, str] = made["AuthenticationResult"]
    return result


async def protected(world: World, pool: str, **method: Any) -> str:
    """The address of a REST API's ``GET /`` behind a Cognito authorizer."""
    await world.python("claims", CLAIMS)
    await world.aws(
        "lambda", "AddPermission", FunctionName="claims", StatementId="api",
        Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
    )  # fmt: skip
    api = (await world.aws("apigateway", "CreateRestApi", name="a"))["id"]
    root = (await world.aws("apigateway", "GetResources", restApiId=api))["items"][0]["id"]
    provider = f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool}"
    authorizer = await world.aws(
        "apigateway", "CreateAuthorizer", restApiId=api, name="users", type="COGNITO_USER_POOLS",
        providerARNs=[provider], identitySource="method.request.header.Authorization",
    )  # fmt: skip
    at = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    kind = {"authorizationType": "COGNITO_USER_POOLS", "authorizerId": authorizer["id"]}
    await world.aws("apigateway", "PutMethod", **at, **kind, **method)
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn('claims')}/invocations"
    await world.aws(
        "apigateway", "PutIntegration", **at, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri
    )
    await world.aws("apigateway", "CreateDeployment", restApiId=api, stageName="prod")
    return f"{world.sandbox.endpoint}/_aws/execute-api/{api}/prod/"


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(token: str, keys: list[dict[str, str]]) -> dict[str, str]:
    """Tokens that say the same and must not count."""
    head, body, signature = token.split(".")
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    hs256 = f"{part({'alg': 'HS256', 'kid': kid})}.{body}"
    secret = json.dumps(next(key for key in keys if key["kid"] == kid)).encode()
    mac = base64.urlsafe_b64encode(hmac.digest(secret, hs256.encode(), hashlib.sha256)).rstrip(b"=").decode()
    changed = {**unverified_claims(token), "cognito:groups": ["admins"]}
    return {
        "alg none": f"{part({'alg': 'none', 'kid': kid})}.{body}.",
        "HS256": f"{hs256}.{mac}",
        "payload": f"{head}.{part(changed)}.{signature}",
        "signature": f"{head}.{body}.{('A' if signature[0] != 'A' else 'B') + signature[1:]}",
        "kid": f"{part({'alg': 'RS256', 'kid': 'x'})}.{body}.{signature}",
    }


@pytest.mark.fact("9.5")
def test_a_rest_api_takes_id_tokens_and_refuses_what_is_none(play: Play) -> None:
    async def main(world: World) -> None:
        pool, client = await make_pool(world)
        url = await protected(world, pool)
        made = await log_in(world, client)
        keys = (await world.http.get(f"{world.sandbox.endpoint}/{pool}/.well-known/jwks.json")).json()["keys"]
        _, other_client = await make_pool(world)
        other = await log_in(world, other_client)

        async def ask(token: str | None) -> httpx.Response:
            return await world.http.get(url, headers={"authorization": token} if token is not None else {})

        good = await ask(made["IdToken"])
        assert (good.status_code, good.json()["email"]) == (200, "ada@example.com")
        status = world.sandbox.limits.value("cognito.rest_authorizer.error.status")
        bad = {
            "none": None,
            "access token": made["AccessToken"],
            "refresh token": made["RefreshToken"],
            "another pool's": other["IdToken"],
            **forged(made["IdToken"], keys),
        }
        for what, token in bad.items():
            answer = await ask(token)
            assert (answer.status_code, answer.json(), what) == (status, {"message": "Unauthorized"}, what)
        await world.clock.advance(3600)
        assert (await ask(made["IdToken"])).status_code == status

    play(main)


@pytest.mark.fact("9.5")
def test_a_rest_method_with_scopes_takes_access_tokens(play: Play) -> None:
    async def main(world: World) -> None:
        pool, client = await make_pool(world)
        url = await protected(world, pool, authorizationScopes=["aws.cognito.signin.user.admin"])
        made = await log_in(world, client)
        answers = [
            await world.http.get(url, headers={"authorization": made[name]})
            for name in ("AccessToken", "IdToken")
        ]
        assert [answer.status_code for answer in answers] == [200, 401]
        assert answers[0].json()["username"] == "ada"

    play(main)


def test_an_identitys_credentials_open_what_its_role_may(play: Play) -> None:
    async def main(world: World) -> None:
        pool, client = await make_pool(world)
        await world.python("hello", HELLO)
        # No resource policy: what the role may decides.
        made = await world.aws("lambda", "CreateFunctionUrlConfig", FunctionName="hello", AuthType="AWS_IAM")
        url_id = httpx.URL(made["FunctionUrl"]).host.partition(".")[0]
        url = f"{world.sandbox.endpoint}/_aws/lambda-url/{url_id}/"
        trust = {"Version": "2012-10-17", "Statement": []}
        actions = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]
        allowed = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": actions, "Resource": arn("hello")}],
        }
        for role in ("member", "guest"):
            await world.aws("iam", "CreateRole", RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
        await world.aws(
            "iam", "PutRolePolicy", RoleName="member", PolicyName="p", PolicyDocument=json.dumps(allowed)
        )
        provider = f"cognito-idp.us-east-1.amazonaws.com/{pool}"
        made = await world.aws(
            "cognito-identity", "CreateIdentityPool", IdentityPoolName="app",
            AllowUnauthenticatedIdentities=True,
            CognitoIdentityProviders=[{"ProviderName": provider, "ClientId": client}],
        )  # fmt: skip
        at = {"IdentityPoolId": made["IdentityPoolId"]}
        roles = {
            kind: f"arn:aws:iam::000000000000:role/{role}"
            for kind, role in (("authenticated", "member"), ("unauthenticated", "guest"))
        }
        await world.aws("cognito-identity", "SetIdentityPoolRoles", Roles=roles, **at)

        async def ask(**logins: Any) -> int:
            who = (await world.aws("cognito-identity", "GetId", **at, **logins))["IdentityId"]
            given = (
                await world.aws("cognito-identity", "GetCredentialsForIdentity", IdentityId=who, **logins)
            )["Credentials"]
            request = AWSRequest("GET", url)
            keys = Credentials(given["AccessKeyId"], given["SecretKey"], given["SessionToken"])
            SigV4Auth(keys, "lambda", "us-east-1").add_auth(request)
            headers = dict(request.headers.items())
            return (await world.http.get(url, headers=headers)).status_code

        token = (await log_in(world, client))["IdToken"]
        assert await ask(Logins={provider: token}) == 200
        assert await ask() == 403

    play(main)


def test_a_function_changes_the_claims_of_both_tokens(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("before", BEFORE_TOKENS)
        _, client = await make_pool(world, LambdaConfig={"PreTokenGeneration": arn("before")})
        made = await log_in(world, client)
        said = unverified_claims(made["IdToken"])
        assert (said["tenant"], said["cognito:groups"]) == ("example.com", ["made-up"])
        assert "email" not in said
        access = unverified_claims(made["AccessToken"])
        assert access["cognito:groups"] == ["made-up"]
        assert "tenant" not in access

    play(main)


def test_a_function_of_version_two_adds_scopes(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("scopes", SCOPES)
        config = {"LambdaArn": arn("scopes"), "LambdaVersion": "V2_0"}
        _, client = await make_pool(world, LambdaConfig={"PreTokenGenerationConfig": config})
        access = unverified_claims((await log_in(world, client))["AccessToken"])
        assert access["scope"] == "aws.cognito.signin.user.admin chat/send"
        assert access["plan"] == "pro"

    play(main)


def test_a_function_confirms_or_refuses_who_signs_up(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("signup", AT_SIGN_UP)
        config = {"PreSignUp": arn("signup"), "PostConfirmation": arn("signup")}
        _, client = await make_pool(world, LambdaConfig=config)

        async def sign_up(name: str, email: str) -> dict[str, Any]:
            attributes = [{"Name": "email", "Value": email}]
            return await world.aws(
                "cognito-idp", "SignUp", ClientId=client, Username=name, Password=PASSWORD,
                UserAttributes=attributes,
            )  # fmt: skip

        assert (await sign_up("bob", "bob@example.com"))["UserConfirmed"] is True
        with pytest.raises(AwsError) as caught:
            await sign_up("eve", "eve@evil.example")
        assert caught.value.code == "UserLambdaValidationException"
        assert caught.value.message == "PreSignUp failed with error only example.com."
        assert len(world.events("invoked")) == 3  # twice before a sign-up, once after one

    play(main)
