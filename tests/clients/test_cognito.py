"""pycognito and amazon-cognito-identity-js, unmodified: logins by SRP, tokens that they verify themselves."""

from __future__ import annotations

import io
import sys
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
import pycognito
import pytest

from sandbox.control.shims.cognito_idp.software_token import code_at
from sandbox.stories.handle import SandboxHandle
from tests.control.cognito_support import claims

if TYPE_CHECKING:
    from tests.clients.conftest import Run

PASSWORD = "Correct-horse-1"


def make_pool(sandbox: SandboxHandle, *, permanent: bool = True, **client: Any) -> tuple[str, dict[str, Any]]:
    """(pool's id, client) of a pool with the user ada."""
    idp = sandbox.client("cognito-idp")
    pool: str = idp.create_user_pool(PoolName="people")["UserPool"]["Id"]
    made = idp.create_user_pool_client(UserPoolId=pool, ClientName="web", **client)["UserPoolClient"]
    email = [{"Name": "email", "Value": "ada@example.com"}]
    idp.admin_create_user(
        UserPoolId=pool, Username="ada", TemporaryPassword="Temporary-1", UserAttributes=email
    )
    if permanent:
        idp.admin_set_user_password(UserPoolId=pool, Username="ada", Password=PASSWORD, Permanent=True)
    return pool, made


@pytest.fixture
def cognito(sandbox: SandboxHandle, monkeypatch: pytest.MonkeyPatch) -> Any:
    """pycognito's client of a pool. It is told the sandbox's address as every SDK is, and given the key set,
    which it would otherwise fetch from the issuer's own name."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", sandbox.endpoint)

    def made(pool: str, client: dict[str, Any]) -> Any:
        user = pycognito.Cognito(
            pool,
            client["ClientId"],
            user_pool_region="us-east-1",
            client_secret=client.get("ClientSecret"),
            username="ada",
            access_key="a",
            secret_key="b",
        )
        user.pool_jwk = httpx.get(f"{sandbox.endpoint}/{pool}/.well-known/jwks.json", timeout=20).json()
        return user

    return made


@pytest.mark.sandbox(clock="real")
@pytest.mark.parametrize("secret", [False, True])
def test_pycognito_logs_in_by_srp_and_verifies_the_tokens(sandbox: SandboxHandle, cognito: Any, secret: bool):
    pool, client = make_pool(sandbox, GenerateSecret=secret)
    user = cognito(pool, client)
    # It verifies signature, issuer and audience of both tokens.
    user.authenticate(password=PASSWORD)
    assert user.id_claims["email"] == "ada@example.com"
    assert user.access_claims["username"] == "ada"
    first = user.access_token
    user.renew_access_token()
    assert claims(user.access_token)["jti"] != claims(first)["jti"]
    assert user.get_user().email == "ada@example.com"


@pytest.mark.sandbox(clock="real")
def test_pycognito_answers_with_the_code_of_a_text_message(sandbox: SandboxHandle, cognito: Any):
    pool, client = make_pool(sandbox)
    idp = sandbox.client("cognito-idp")
    caller = {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms"}}
    idp.set_user_pool_mfa_config(UserPoolId=pool, MfaConfiguration="ON", SmsMfaConfiguration=caller)
    number = [{"Name": "phone_number", "Value": "+15550108884"}]
    idp.admin_update_user_attributes(UserPoolId=pool, Username="ada", UserAttributes=number)
    user = cognito(pool, client)
    with pytest.raises(pycognito.exceptions.SMSMFAChallengeException):
        user.authenticate(password=PASSWORD)
    (sent,) = (event for event in sandbox.timeline() if event.name == "code_sent")
    user.respond_to_sms_mfa_challenge(sent.data["code"])
    assert user.access_claims["username"] == "ada"


@pytest.mark.sandbox(clock="real")
def test_pycognito_is_refused_with_a_wrong_password(sandbox: SandboxHandle, cognito: Any):
    pool, client = make_pool(sandbox)
    user = cognito(pool, client)
    with pytest.raises(
        user.client.exceptions.NotAuthorizedException, match=r"Incorrect username or password\."
    ):
        user.authenticate(password="wrong")


@pytest.mark.sandbox(clock="real")
def test_pycognito_chooses_a_new_password(sandbox: SandboxHandle, cognito: Any):
    pool, client = make_pool(sandbox, permanent=False)
    user = cognito(pool, client)
    with pytest.raises(Exception, match="Change password before authenticating"):
        user.authenticate(password="Temporary-1")
    user.new_password_challenge("Temporary-1", PASSWORD)
    assert user.access_token


@pytest.mark.sandbox(clock="real")
def test_the_javascript_client_logs_in_renews_and_signs_out(sandbox: SandboxHandle, run_node: Run):
    pool, client = make_pool(sandbox)
    given = {"pool": pool, "client": client["ClientId"], "username": "ada"}
    first, renewed, attributes, last = run_node(
        "cognito_login.mjs", sandbox.endpoint, password=PASSWORD, **given
    )
    assert (first["valid"], renewed["valid"]) == (True, True)
    assert claims(first["id"])["email"] == "ada@example.com"
    assert claims(renewed["access"])["origin_jti"] == claims(first["access"])["origin_jti"]
    assert attributes["email"] == "ada@example.com"
    assert last["answer"] == "SUCCESS"
    idp = sandbox.client("cognito-idp")
    with pytest.raises(idp.exceptions.NotAuthorizedException):
        idp.get_user(AccessToken=renewed["access"])
    (refused,) = run_node("cognito_login.mjs", sandbox.endpoint, password="wrong", **given)
    assert refused == {"error": "NotAuthorizedException", "message": "Incorrect username or password."}


@pytest.mark.sandbox(clock="real")
def test_the_javascript_client_chooses_a_new_password(sandbox: SandboxHandle, run_node: Run):
    pool, client = make_pool(sandbox, permanent=False)
    asked, made = run_node(
        "cognito_login.mjs", sandbox.endpoint, pool=pool, client=client["ClientId"], username="ada",
        password="Temporary-1", newPassword=PASSWORD,
    )  # fmt: skip
    assert asked == {"newPasswordRequired": []}
    assert claims(made["id"])["cognito:username"] == "ada"


STEPS = """
def handler(event, context):
    rounds, response = event["request"].get("session", []), event["response"]
    source = event["triggerSource"].partition("_")[0]
    if source == "DefineAuthChallenge":
        names = [one["challengeName"] for one in rounds]
        response["issueTokens"] = names[-1:] == ["CUSTOM_CHALLENGE"] and rounds[-1]["challengeResult"]
        response["failAuthentication"] = len(rounds) > 4
        response["challengeName"] = "PASSWORD_VERIFIER" if names == ["SRP_A"] else "CUSTOM_CHALLENGE"
    elif source == "CreateAuthChallenge":
        response["publicChallengeParameters"] = {"before": "+".join(one["challengeName"] for one in rounds)}
        response["privateChallengeParameters"] = {"word": "raven"}
    else:
        response["answerCorrect"] = (
            event["request"]["challengeAnswer"] == event["request"]["privateChallengeParameters"]["word"]
        )
    return event
"""


def make_steps(sandbox: SandboxHandle) -> str:
    """The ARN of a function that asks for a password, then for a word."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", STEPS)
    made: str = sandbox.client("lambda").create_function(
        FunctionName="steps",
        Runtime="python{}.{}".format(*sys.version_info[:2]),
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": packed.getvalue()},
    )["FunctionArn"]
    return made


@pytest.mark.sandbox(clock="real")
def test_the_browsers_client_answers_custom_challenges_after_srp(sandbox: SandboxHandle, run_node: Run):
    pool, client = make_pool(sandbox)
    names = ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse")
    config = dict.fromkeys(names, make_steps(sandbox))
    sandbox.client("cognito-idp").update_user_pool(UserPoolId=pool, LambdaConfig=config)
    given = {"pool": pool, "client": client["ClientId"], "username": "ada", "password": PASSWORD}
    told = run_node("cognito_challenges.mjs", sandbox.endpoint, answers=["crow", "raven"], **given)
    before = "SRP_A+PASSWORD_VERIFIER"
    assert [one["parameters"]["before"] for one in told[:2]] == [before, f"{before}+CUSTOM_CHALLENGE"]
    assert told[2:] == [{"valid": True}]


@pytest.mark.sandbox(clock="real")
def test_the_browsers_client_sets_a_software_token_up_and_is_asked_for_it(
    sandbox: SandboxHandle, run_node: Run
):
    pool, client = make_pool(sandbox)
    enabled = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
    sandbox.client("cognito-idp").set_user_pool_mfa_config(
        UserPoolId=pool, MfaConfiguration="OPTIONAL", **enabled
    )
    given = {"pool": pool, "client": client["ClientId"], "username": "ada", "password": PASSWORD}
    told = run_node("cognito_challenges.mjs", sandbox.endpoint, totp=True, **given)
    assert told == [
        {"status": "SUCCESS"},
        {"result": "SUCCESS"},
        {"asked": "SOFTWARE_TOKEN_MFA"},
        {"valid": True},
    ]


@pytest.mark.sandbox(clock="real")
def test_pycognito_is_asked_for_a_software_token(sandbox: SandboxHandle, cognito: Any):
    pool, client = make_pool(sandbox)
    enabled = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
    sandbox.client("cognito-idp").set_user_pool_mfa_config(
        UserPoolId=pool, MfaConfiguration="OPTIONAL", **enabled
    )
    user = cognito(pool, client)
    user.authenticate(password=PASSWORD)
    secret = user.associate_software_token()

    def code(back: int = 0) -> str:
        now = sandbox.status()["date"]
        return code_at(secret, int(datetime.fromisoformat(now).timestamp()) // 30 - back)

    assert user.verify_software_token(code(1), "phone")
    user.set_user_mfa_preference(sms_mfa=False, software_token_mfa=True, preferred="SOFTWARE_TOKEN")
    again = cognito(pool, client)
    with pytest.raises(pycognito.exceptions.SoftwareTokenMFAChallengeException) as asked:
        again.authenticate(password=PASSWORD)
    again.respond_to_software_token_mfa_challenge(code(), asked.value.get_tokens())
    assert again.access_claims["username"] == "ada"
