"""Lambda triggers that write messages and that take users over from elsewhere: real functions, virtual time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.aws.errors import AwsError

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

PASSWORD = "Correct-horse-1"
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
# Says what it was told, in the message itself.
WRITER = """
import json
def handler(event, context):
    assert event["response"] == {"smsMessage": None, "emailMessage": None, "emailSubject": None}, event
    request = event["request"]
    told = [event["triggerSource"], event["callerContext"]["clientId"], request["userAttributes"]["email"]]
    text = json.dumps(told) + " code " + request["codeParameter"]
    if request.get("usernameParameter"):
        text += " for " + request["usernameParameter"]
    event["response"]["emailMessage"] = text
    if request["userAttributes"].get("phone_number"):
        event["response"]["smsMessage"] = "SMS " + request["codeParameter"]
    event["response"]["emailSubject"] = request.get("clientMetadata", {}).get("subject", "Hello")
    return event
"""
MIGRATION = """
def handler(event, context):
    assert set(event["response"]) == {"userAttributes", "finalUserStatus", "messageAction",
        "desiredDeliveryMediums", "forceAliasCreation", "enableSMSMFA"}, event
    source, name = event["triggerSource"], event["userName"]
    right = event["request"]["password"] == "Correct-horse-1"
    if source == "UserMigration_Authentication" and not right:
        raise Exception("Bad password")
    attributes = {"email": name + "@old.example", "email_verified": "true"}
    if name == "nick":
        attributes["username"] = "nicholas"
    event["response"]["userAttributes"] = None if name == "nobody" else attributes
    event["response"]["finalUserStatus"] = "CONFIRMED" if name in ("ada", "nick") else None
    event["response"]["messageAction"] = "SUPPRESS"
    return event
"""


async def make_pool(world: World, **config: str) -> tuple[str, str]:
    """A pool whose ``LambdaConfig`` names these functions, and its client."""
    arns = {
        name: f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
        for name, function in config.items()
    }
    pool = await world.aws(
        "cognito-idp", "CreateUserPool", PoolName="p", AutoVerifiedAttributes=["email"], LambdaConfig=arns
    )
    pool_id = pool["UserPool"]["Id"]
    client = await world.aws(
        "cognito-idp", "CreateUserPoolClient", UserPoolId=pool_id, ClientName="c", ExplicitAuthFlows=FLOWS
    )
    return pool_id, client["UserPoolClient"]["ClientId"]


async def log_in(world: World, client: str, name: str, password: str = PASSWORD) -> Any:
    given = {"USERNAME": name, "PASSWORD": password}
    flow = {"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
    return await world.aws("cognito-idp", "InitiateAuth", **flow)


def test_a_function_writes_the_messages_with_codes(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("writer", WRITER)
        pool, client = await make_pool(world, CustomMessage="writer")
        email = {"UserAttributes": [{"Name": "email", "Value": "ada@example.com"}]}
        who = {"ClientId": client, "Username": "ada"}
        subject = {"ClientMetadata": {"subject": "Welcome"}}
        await world.aws("cognito-idp", "SignUp", **who, Password=PASSWORD, **email, **subject)
        await world.aws("cognito-idp", "ResendConfirmationCode", **who)
        code = world.events("code_sent", "cognito")[-1].data["code"]
        await world.aws("cognito-idp", "ConfirmSignUp", **who, ConfirmationCode=code)
        await world.aws("cognito-idp", "ForgotPassword", **who)
        mails = [event.data for event in world.events("code_sent", "cognito")]
        sources = ["SignUp", "ResendCode", "ForgotPassword"]
        assert [mail["message"] for mail in mails] == [
            f"{json.dumps([f'CustomMessage_{source}', client, 'ada@example.com'])} code {mail['code']}"
            for source, mail in zip(sources, mails, strict=True)
        ]
        assert [mail["subject"] for mail in mails] == ["Welcome", "Hello", "Hello"]
        invited = {"UserPoolId": pool, "Username": "bob", "DesiredDeliveryMediums": ["EMAIL"]}
        await world.aws("cognito-idp", "AdminCreateUser", **invited, **email)
        (invitation,) = (event.data for event in world.events("invitation_sent", "cognito"))
        told = json.dumps(["CustomMessage_AdminCreateUser", "CLIENT_ID_NOT_APPLICABLE", "ada@example.com"])
        assert invitation["message"] == f"{told} code {invitation['password']} for bob"

    play(main)


def test_a_text_message_has_a_text_of_its_own_and_no_subject(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("writer", WRITER)
        pool, _ = await make_pool(world, CustomMessage="writer")
        names = {"email": "ada@example.com", "phone_number": "+15550108884"}
        await world.aws(
            "cognito-idp", "AdminCreateUser", UserPoolId=pool, Username="ada", TemporaryPassword=PASSWORD,
            DesiredDeliveryMediums=["SMS"], UserAttributes=[{"Name": n, "Value": v} for n, v in names.items()],
        )  # fmt: skip
        (invitation,) = (event.data for event in world.events("invitation_sent", "cognito"))
        assert invitation["message"] == f"SMS {PASSWORD}"
        assert "subject" not in invitation

    play(main)


def test_a_user_is_taken_over_at_the_first_login(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("migration", MIGRATION)
        pool, client = await make_pool(world, UserMigration="migration")
        assert "AuthenticationResult" in await log_in(world, client, "ada")
        assert "AuthenticationResult" in await log_in(world, client, "ada")
        assert len(world.events("invoked")) == 1  # the second time the user is there
        user = await world.aws("cognito-idp", "AdminGetUser", UserPoolId=pool, Username="ada")
        attributes = {one["Name"]: one["Value"] for one in user["UserAttributes"]}
        assert (user["UserStatus"], attributes["email"]) == ("CONFIRMED", "ada@old.example")
        with pytest.raises(AwsError) as caught:
            await log_in(world, client, "eve", "wrong")
        text = f"Exception migrating user in app client {client}"
        assert (caught.value.code, caught.value.message) == ("UserNotFoundException", text)
        with pytest.raises(AwsError) as caught:
            await log_in(world, client, "old")  # without a final status
        assert caught.value.code == "PasswordResetRequiredException"
        assert "AuthenticationResult" in await log_in(
            world, client, "nick"
        )  # the old system has another name
        user = await world.aws("cognito-idp", "AdminGetUser", UserPoolId=pool, Username="nicholas")
        assert user["UserStatus"] == "CONFIRMED"
        with pytest.raises(AwsError) as caught:
            await log_in(world, client, "nobody")  # the function gives no attributes
        assert (caught.value.code, caught.value.message) == ("UserNotFoundException", text)

    play(main)


def test_a_pool_without_a_function_takes_nobody_over(play: Play) -> None:
    async def main(world: World) -> None:
        _, client = await make_pool(world)
        with pytest.raises(AwsError) as caught:
            await log_in(world, client, "ada")
        assert caught.value.message == "User does not exist."

    play(main)


def test_a_user_is_taken_over_by_a_forgotten_password(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("migration", MIGRATION)
        pool, client = await make_pool(world, UserMigration="migration")
        who = {"ClientId": client, "Username": "ada"}
        sent = await world.aws("cognito-idp", "ForgotPassword", **who)
        assert sent["CodeDeliveryDetails"]["Destination"] == "a***@o***"
        user = await world.aws("cognito-idp", "AdminGetUser", UserPoolId=pool, Username="ada")
        assert user["UserStatus"] == "RESET_REQUIRED"  # there is no password that could be confirmed
        code = world.events("code_sent", "cognito")[-1].data["code"]
        new = {"ConfirmationCode": code, "Password": "Another-horse-1"}
        await world.aws("cognito-idp", "ConfirmForgotPassword", **who, **new)
        assert "AuthenticationResult" in await log_in(world, client, "ada", "Another-horse-1")

    play(main)
