"""Logging in to a user pool: flows, challenges, refusals in Cognito's words."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.control.shims.cognito_idp.srp import G, Handshake, N, verifier
from tests.control.cognito_support import PASSWORD, Pool, make_pool
from tests.control.helpers import Served


@pytest.fixture
def pool(served: Served) -> Pool:
    made = make_pool(served)
    made.add_user(email="ada@example.com")
    return made


def error(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


def log_in(pool: Pool, flow: str = "USER_PASSWORD_AUTH", **given: str) -> Any:
    return pool.idp.initiate_auth(AuthFlow=flow, ClientId=pool.client, AuthParameters=given)


def refusal(pool: Pool, flow: str = "USER_PASSWORD_AUTH", **given: str) -> tuple[str, str]:
    return error(lambda: log_in(pool, flow, **given))


def test_a_wrong_password_and_an_unknown_user(pool: Pool, served: Served) -> None:
    wrong = ("NotAuthorizedException", "Incorrect username or password.")
    assert refusal(pool, USERNAME="ada", PASSWORD="wrong") == wrong
    assert refusal(pool, USERNAME="bob", PASSWORD="x") == ("UserNotFoundException", "User does not exist.")
    hiding = make_pool(served, client={"PreventUserExistenceErrors": "ENABLED"})
    assert refusal(hiding, USERNAME="bob", PASSWORD="x") == wrong


def test_parameters_that_are_not_there(pool: Pool) -> None:
    code = "InvalidParameterException"
    assert refusal(pool, PASSWORD="x") == (code, "Missing required parameter USERNAME")
    assert refusal(pool, USERNAME="ada") == (code, "Missing required parameter PASSWORD")
    assert refusal(pool, "USER_SRP_AUTH", USERNAME="ada") == (code, "Missing required parameter SRP_A")
    assert refusal(pool, "REFRESH_TOKEN_AUTH") == (code, "Missing required parameter REFRESH_TOKEN")
    found = error(
        pool.idp.initiate_auth,
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId="nobodys",
        AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
    )
    assert found == ("ResourceNotFoundException", "User pool client nobodys does not exist.")


def test_a_flow_that_the_client_does_not_allow(served: Served) -> None:
    pool = make_pool(served, client={"ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"]})
    pool.add_user()
    code = "InvalidParameterException"
    assert refusal(pool, USERNAME="ada", PASSWORD=PASSWORD) == (
        code,
        "USER_PASSWORD_AUTH flow not enabled for this client",
    )
    assert refusal(pool, "USER_SRP_AUTH", USERNAME="ada", SRP_A="2")[1] == (
        "USER_SRP_AUTH is not enabled for the client."
    )
    found = error(
        pool.idp.admin_initiate_auth,
        UserPoolId=pool.id,
        ClientId=pool.client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
    )
    assert found == (code, "Auth flow not enabled for this client")


def test_a_client_without_flows_allows_srp_and_refreshing_only(served: Served) -> None:
    pool = make_pool(served, client={"ExplicitAuthFlows": []})
    pool.add_user()
    assert "flow not enabled" in refusal(pool, USERNAME="ada", PASSWORD=PASSWORD)[1]
    assert log_in(pool, "USER_SRP_AUTH", USERNAME="ada", SRP_A="2")["ChallengeName"] == "PASSWORD_VERIFIER"


def test_an_administrator_logs_a_user_in(served: Served) -> None:
    pool = make_pool(served, client={"ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]})
    pool.add_user()
    answer = pool.idp.admin_initiate_auth(
        UserPoolId=pool.id,
        ClientId=pool.client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
    )
    assert answer["AuthenticationResult"]["IdToken"]


def test_a_client_with_a_secret_wants_its_hash(served: Served) -> None:
    pool = make_pool(served, client={"GenerateSecret": True})
    pool.add_user()
    assert pool.secret
    mac = hmac.digest(pool.secret.encode(), f"ada{pool.client}".encode(), hashlib.sha256)
    assert pool.log_in(SECRET_HASH=base64.b64encode(mac).decode())
    assert refusal(pool, USERNAME="ada", PASSWORD=PASSWORD) == (
        "NotAuthorizedException",
        f"Client {pool.client} is configured with secret but SECRET_HASH was not received",
    )
    assert refusal(pool, USERNAME="ada", PASSWORD=PASSWORD, SECRET_HASH="x") == (
        "NotAuthorizedException",
        f"Unable to verify secret hash for client {pool.client}",
    )


def test_a_disabled_user_and_a_user_who_must_reset(pool: Pool) -> None:
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username="ada")
    assert refusal(pool, USERNAME="ada", PASSWORD="x") == ("NotAuthorizedException", "User is disabled.")


def test_a_new_user_must_choose_a_password(served: Served) -> None:
    pool = make_pool(served)
    pool.idp.admin_create_user(
        UserPoolId=pool.id,
        Username="ada",
        TemporaryPassword="Temporary-1",
        UserAttributes=[{"Name": "email", "Value": "ada@example.com"}],
    )
    asked = log_in(pool, USERNAME="ada", PASSWORD="Temporary-1")
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert asked["ChallengeParameters"]["userAttributes"] == '{"email": "ada@example.com"}'

    def answer(session: str, password: str) -> Any:
        return pool.idp.respond_to_auth_challenge(
            ClientId=pool.client,
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=session,
            ChallengeResponses={
                "USERNAME": "ada",
                "NEW_PASSWORD": password,
                "userAttributes.given_name": "Ada",
            },
        )

    session = asked["Session"]
    assert error(answer, session=session, password="short")[0] == "InvalidPasswordException"
    made = answer(session, PASSWORD)["AuthenticationResult"]
    shown = pool.idp.get_user(AccessToken=made["AccessToken"])["UserAttributes"]
    assert {"Name": "given_name", "Value": "Ada"} in shown
    assert error(answer, session=session, password=PASSWORD) == (
        "NotAuthorizedException",
        "Invalid session for the user.",
    )
    assert log_in(pool, USERNAME="ada", PASSWORD=PASSWORD)["AuthenticationResult"]


def test_an_srp_proof_counts_once_and_a_wrong_one_never(pool: Pool) -> None:
    """The client's side is written out here: S = (B - k g^x)^(a + u x)."""
    for password, right in ((PASSWORD, True), ("wrong", False)):
        a = 12345678901234567890
        asked = log_in(pool, "USER_SRP_AUTH", USERNAME="ada", SRP_A=f"{pow(G, a, N):x}")
        given = asked["ChallengeParameters"]
        name = given["USER_ID_FOR_SRP"]
        short = pool.id.split("_")[1]

        def pad(number: int) -> bytes:
            text = f"{number:x}"
            text = "0" + text if len(text) % 2 else text
            return bytes.fromhex("00" + text if text[0] in "89abcdef" else text)

        def digest(data: bytes) -> int:
            return int(hashlib.sha256(data).hexdigest(), 16)

        b_public, salt = int(given["SRP_B"], 16), int(given["SALT"], 16)
        x = digest(pad(salt) + hashlib.sha256(f"{short}{name}:{password}".encode()).digest())
        u = digest(pad(pow(G, a, N)) + pad(b_public))
        k = digest(b"\x00" + N.to_bytes(384, "big") + b"\x02")
        shared = pow(b_public - k * pow(G, x, N), a + u * x, N)
        key = hmac.digest(hmac.digest(pad(u), pad(shared), "sha256"), b"Caldera Derived Key\x01", "sha256")
        stamp = "Tue Nov 24 10:00:00 UTC 2026"
        block = given["SECRET_BLOCK"]
        message = short.encode() + name.encode() + base64.b64decode(block) + stamp.encode()
        proof = base64.b64encode(hmac.digest(key[:16], message, "sha256")).decode()
        responses = {
            "USERNAME": "ada",
            "PASSWORD_CLAIM_SECRET_BLOCK": block,
            "PASSWORD_CLAIM_SIGNATURE": proof,
            "TIMESTAMP": stamp,
        }
        asked_again = {
            "ClientId": pool.client,
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeResponses": responses,
        }
        if right:
            answer = pool.idp.respond_to_auth_challenge(**asked_again)
            assert answer["AuthenticationResult"]["IdToken"]
        found = error(pool.idp.respond_to_auth_challenge, **asked_again)
        assert found == ("NotAuthorizedException", "Incorrect username or password.")


@pytest.mark.parametrize("public", [0, N, 2 * N])
def test_a_public_number_that_gives_the_key_away_is_refused(pool: Pool, public: int) -> None:
    assert refusal(pool, "USER_SRP_AUTH", USERNAME="ada", SRP_A=f"{public:x}")[0] == (
        "InvalidParameterException"
    )


def test_an_srp_handshake_depends_on_each_of_its_numbers() -> None:
    def made(**changes: Any) -> str:
        given: dict[str, Any] = {
            "pool": "p",
            "user": "ada",
            "salt": 7,
            "a": 9,
            "b": 11,
            "secret_block": "QUJD",
        }
        given.update(changes)
        known = verifier(given["pool"], given["user"], "secret", given["salt"])
        return Handshake(verifier=known, **given).proof("now")

    changes = [
        {},
        {"pool": "q"},
        {"user": "bob"},
        {"salt": 8},
        {"a": 10},
        {"b": 12},
        {"secret_block": "QUJE"},
    ]
    assert len({made(**change) for change in changes}) == len(changes)


def test_srp_with_an_alias_uses_the_users_own_name(served: Served) -> None:
    pool = make_pool(served, UsernameAttributes=["email"])
    pool.add_user("ada@example.com")
    asked = log_in(pool, "USER_SRP_AUTH", USERNAME="ada@example.com", SRP_A="2")["ChallengeParameters"]
    assert asked["USERNAME"] == asked["USER_ID_FOR_SRP"]
    assert "@" not in asked["USERNAME"]


def test_an_unknown_user_of_a_hiding_client_gets_a_challenge_too(served: Served) -> None:
    pool = make_pool(served, client={"PreventUserExistenceErrors": "ENABLED"})
    asked = log_in(pool, "USER_SRP_AUTH", USERNAME="nobody", SRP_A="2")
    assert asked["ChallengeParameters"]["USERNAME"] == "nobody"


def test_signing_up_with_a_code_from_the_timeline(served: Served) -> None:
    pool = make_pool(served, AutoVerifiedAttributes=["email"])
    attributes = [{"Name": "email", "Value": "ada@example.com"}]
    asked = {"ClientId": pool.client, "Username": "ada", "UserAttributes": attributes}
    assert error(pool.idp.sign_up, Password="Sh0rt-p", **asked) == (
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    )
    made = pool.idp.sign_up(Password=PASSWORD, **asked)
    assert made["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    assert error(pool.idp.sign_up, Password=PASSWORD, **asked) == (
        "UsernameExistsException",
        "User already exists",
    )
    assert refusal(pool, USERNAME="ada", PASSWORD=PASSWORD) == (
        "UserNotConfirmedException",
        "User is not confirmed.",
    )
    code = list(served.sandbox.timeline.select("cognito", "code_sent"))[-1].data["code"]
    wrong = "000000" if code != "000000" else "111111"
    confirm = {"ClientId": pool.client, "Username": "ada"}
    assert error(pool.idp.confirm_sign_up, ConfirmationCode=wrong, **confirm) == (
        "CodeMismatchException",
        "Invalid verification code provided, please try again.",
    )
    pool.idp.confirm_sign_up(ConfirmationCode=code, **confirm)
    token = pool.log_in()["AccessToken"]
    shown = pool.idp.get_user(AccessToken=token)["UserAttributes"]
    assert {"Name": "email_verified", "Value": "true"} in shown
    assert error(pool.idp.confirm_sign_up, ConfirmationCode=code, **confirm) == (
        "NotAuthorizedException",
        "User cannot be confirmed. Current status is CONFIRMED",
    )
    pool.idp.forgot_password(ClientId=pool.client, Username="ada")
    code = list(served.sandbox.timeline.select("cognito", "code_sent"))[-1].data["code"]
    pool.idp.confirm_forgot_password(
        ClientId=pool.client, Username="ada", ConfirmationCode=code, Password="Another-horse-1"
    )
    assert pool.log_in(password="Another-horse-1")


@pytest.mark.parametrize("trigger", ["CustomEmailSender", "CustomSMSSender"])
def test_a_trigger_that_nobody_asks_is_refused(served: Served, trigger: str) -> None:
    idp = served.client("cognito-idp")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:x"
    sender = {"LambdaVersion": "V1_0", "LambdaArn": arn}
    code, message = error(idp.create_user_pool, PoolName="x", LambdaConfig={trigger: sender})
    assert (code, trigger in message) == ("NotImplemented", True)


def test_an_invitation_is_sent_again_and_the_user_stays_the_same(served: Served) -> None:
    pool = make_pool(served)
    at = {"UserPoolId": pool.id, "Username": "ada"}
    email = [{"Name": "email", "Value": "ada@example.com"}]
    first = pool.idp.admin_create_user(UserAttributes=email, **at)["User"]
    again = pool.idp.admin_create_user(MessageAction="RESEND", **at)["User"]
    assert again["Attributes"] == first["Attributes"]
    sent = [event.data["password"] for event in served.sandbox.timeline.select("cognito", "invitation_sent")]
    assert refusal(pool, USERNAME="ada", PASSWORD=sent[-2])[0] == "NotAuthorizedException"
    assert log_in(pool, USERNAME="ada", PASSWORD=sent[-1])["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    pool.idp.admin_set_user_password(Password=PASSWORD, Permanent=True, **at)
    assert error(pool.idp.admin_create_user, MessageAction="RESEND", **at)[0] == (
        "UnsupportedUserStateException"
    )


def test_an_administrator_resets_a_password(served: Served) -> None:
    pool = make_pool(served)
    pool.add_user(email="ada@example.com", email_verified="true")
    pool.idp.admin_reset_user_password(UserPoolId=pool.id, Username="ada")
    assert refusal(pool, USERNAME="ada", PASSWORD=PASSWORD) == (
        "PasswordResetRequiredException",
        "Password reset required for the user",
    )
    code = list(served.sandbox.timeline.select("cognito", "code_sent"))[-1].data["code"]
    pool.idp.confirm_forgot_password(
        ClientId=pool.client, Username="ada", ConfirmationCode=code, Password="Another-horse-1"
    )
    assert pool.log_in(password="Another-horse-1")
    pool.add_user("bob")
    assert error(pool.idp.admin_reset_user_password, UserPoolId=pool.id, Username="bob")[0] == (
        "InvalidParameterException"
    )


def test_a_changed_address_is_verified_again_by_a_code(served: Served) -> None:
    pool = make_pool(served)
    pool.add_user(email="ada@example.com", email_verified="true")
    token = pool.log_in()["AccessToken"]

    def shown() -> dict[str, str]:
        found = pool.idp.get_user(AccessToken=token)["UserAttributes"]
        return {one["Name"]: one["Value"] for one in found}

    pool.idp.update_user_attributes(
        AccessToken=token, UserAttributes=[{"Name": "email", "Value": "new@example.com"}]
    )
    assert (shown()["email"], shown()["email_verified"]) == ("new@example.com", "false")
    pool.idp.get_user_attribute_verification_code(AccessToken=token, AttributeName="email")
    sent = list(served.sandbox.timeline.select("cognito", "code_sent"))[-1].data
    assert sent["destination"] == "new@example.com"
    pool.idp.verify_user_attribute(AccessToken=token, AttributeName="email", Code=sent["code"])
    assert shown()["email_verified"] == "true"
    pool.idp.delete_user_attributes(AccessToken=token, UserAttributeNames=["email"])
    assert "email" not in shown()
    pool.idp.delete_user(AccessToken=token)
    assert refusal(pool, USERNAME="ada", PASSWORD=PASSWORD)[0] == "UserNotFoundException"
