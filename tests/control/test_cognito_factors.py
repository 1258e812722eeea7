"""Codes by text message and e-mail, as a second factor and as the first one that a user chooses (USER_AUTH)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.control.cognito_support import FLOWS, PASSWORD, Pool, make_pool
from tests.control.helpers import Served
from tests.control.test_cognito_login import error

SMS_POOL = {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms"}}
EMAIL_POOL = {"Message": "Your code: {####}", "Subject": "Code"}
PHONE, MAIL = "+15550108884", "ada@example.com"
KINDS = {
    "SMS_MFA": ("SMSMfaSettings", "SMS", "+*******8884", PHONE),
    "EMAIL_OTP": ("EmailMfaSettings", "EMAIL", "a***@e***", MAIL),
}


def pool_with(served: Served, mode: str, *kinds: str, **attributes: str) -> Pool:
    made = make_pool(served)
    given: dict[str, Any] = {}
    if "SMS_MFA" in kinds:
        given["SmsMfaConfiguration"] = SMS_POOL
    if "EMAIL_OTP" in kinds:
        given["EmailMfaConfiguration"] = EMAIL_POOL
    shown = made.idp.set_user_pool_mfa_config(UserPoolId=made.id, MfaConfiguration=mode, **given)
    assert shown["MfaConfiguration"] == mode
    kept = made.idp.get_user_pool_mfa_config(UserPoolId=made.id)
    assert kept.get("EmailMfaConfiguration") == given.get("EmailMfaConfiguration")
    whole = {"phone_number": PHONE, "phone_number_verified": "true", "email": MAIL, "email_verified": "true"}
    made.add_user(**(attributes or whole))
    return made


def start(pool: Pool, flow: str = "USER_PASSWORD_AUTH", **given: str) -> Any:
    parameters = {
        "USERNAME": "ada",
        **({"PASSWORD": PASSWORD} if flow == "USER_PASSWORD_AUTH" else {}),
        **given,
    }
    return pool.idp.initiate_auth(AuthFlow=flow, ClientId=pool.client, AuthParameters=parameters)


def respond(pool: Pool, asked: Any, **responses: str) -> Any:
    return pool.idp.respond_to_auth_challenge(
        ClientId=pool.client,
        ChallengeName=asked["ChallengeName"],
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": "ada", **responses},
    )


def sent(pool: Pool) -> Any:
    return list(pool.served.sandbox.timeline.select("cognito", "code_sent"))[-1].data


@pytest.mark.parametrize("kind", KINDS)
def test_a_code_is_asked_for_once_its_factor_is_on(served: Served, kind: str) -> None:
    setting, medium, shown, destination = KINDS[kind]
    pool = pool_with(served, "OPTIONAL", *KINDS)
    access = start(pool)["AuthenticationResult"]["AccessToken"]  # nothing is on
    pool.idp.set_user_mfa_preference(AccessToken=access, **{setting: {"Enabled": True, "PreferredMfa": True}})
    user = pool.idp.get_user(AccessToken=access)
    assert (user["UserMFASettingList"], user["PreferredMfaSetting"]) == ([kind], kind)
    asked = start(pool)
    assert asked["ChallengeName"] == kind
    assert asked["ChallengeParameters"] == {
        "CODE_DELIVERY_DELIVERY_MEDIUM": medium,
        "CODE_DELIVERY_DESTINATION": shown,
        "USER_ID_FOR_SRP": "ada",
    }
    mail = sent(pool)
    assert (mail["medium"], mail["destination"]) == (medium, destination)
    name = f"{kind}_CODE"
    wrong = {name: "0" * len(mail["code"])}
    mismatch = ("CodeMismatchException", "Invalid code or auth state for the user.")
    assert [error(lambda: respond(pool, asked, **wrong)) for _ in range(2)] == [mismatch] * 2
    assert error(lambda: respond(pool, asked)) == (
        "InvalidParameterException",
        f"Missing required parameter {name}",
    )
    assert "AuthenticationResult" in respond(pool, asked, **{name: mail["code"]})
    again = error(lambda: respond(pool, asked, **{name: mail["code"]}))  # the session is used up
    assert again == ("NotAuthorizedException", "Invalid session for the user.")
    pool.idp.set_user_mfa_preference(AccessToken=access, **{setting: {"Enabled": False}})
    assert "AuthenticationResult" in start(pool)


def test_a_code_ends_with_its_session(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = pool_with(served, "ON", "SMS_MFA")
    asked = start(pool)  # required, and the user has a number: no preference is needed
    code, began = sent(pool)["code"], served.sandbox.clock.epoch()
    monkeypatch.setattr(served.sandbox.clock, "epoch", lambda: began + 180)
    late = error(lambda: respond(pool, asked, SMS_MFA_CODE=code))
    assert late == ("NotAuthorizedException", "Invalid session for the user, session is expired.")


def test_of_two_factors_the_user_picks_one(served: Served) -> None:
    pool = pool_with(served, "OPTIONAL", *KINDS)
    pool.idp.admin_set_user_mfa_preference(
        UserPoolId=pool.id,
        Username="ada",
        SMSMfaSettings={"Enabled": True},
        EmailMfaSettings={"Enabled": True},
    )
    asked = start(pool)
    assert asked["ChallengeName"] == "SELECT_MFA_TYPE"
    assert json.loads(asked["ChallengeParameters"]["MFAS_CAN_CHOOSE"]) == ["SMS_MFA", "EMAIL_OTP"]
    mailed = respond(pool, asked, ANSWER="EMAIL_OTP")
    assert mailed["ChallengeName"] == "EMAIL_OTP"
    assert "AuthenticationResult" in respond(pool, mailed, EMAIL_OTP_CODE=sent(pool)["code"])


def test_the_preferred_one_of_two_factors_is_asked_for(served: Served) -> None:
    pool = pool_with(served, "OPTIONAL", *KINDS)
    who = {"UserPoolId": pool.id, "Username": "ada"}
    both = {"SMSMfaSettings": {"Enabled": True}, "EmailMfaSettings": {"Enabled": True, "PreferredMfa": True}}
    pool.idp.admin_set_user_mfa_preference(**who, **both)
    assert start(pool)["ChallengeName"] == "EMAIL_OTP"
    pool.idp.admin_delete_user_attributes(**who, UserAttributeNames=["email"])
    code, message = error(lambda: start(pool))
    assert (code, "email" in message) == ("InvalidParameterException", True)
    unknown = error(pool.idp.admin_set_user_mfa_preference, UserPoolId=pool.id, Username="eve", **both)
    assert unknown == ("UserNotFoundException", "User does not exist.")


def test_a_factor_needs_where_to_send_to(served: Served) -> None:
    pool = pool_with(served, "OPTIONAL", *KINDS, email=MAIL)
    access = start(pool)["AuthenticationResult"]["AccessToken"]
    code, message = error(
        pool.idp.set_user_mfa_preference, AccessToken=access, SMSMfaSettings={"Enabled": True}
    )
    assert (code, "SMS_MFA" in message) == ("InvalidParameterException", True)
    token = {"SoftwareTokenMfaSettings": {"Enabled": True}}
    assert error(pool.idp.admin_set_user_mfa_preference, UserPoolId=pool.id, Username="ada", **token) == (
        "InvalidParameterException",
        "User does not have delivery config set to turn on SOFTWARE_TOKEN_MFA",
    )


def choosing(served: Served, *factors: str, mode: str = "OFF", first: str = "PASSWORD") -> Pool:
    """A pool whose users choose their first factor."""
    policy = {"SignInPolicy": {"AllowedFirstAuthFactors": [first, *factors]}}
    pool = make_pool(served, client={"ExplicitAuthFlows": [*FLOWS, "ALLOW_USER_AUTH"]}, Policies=policy)
    if mode != "OFF":
        pool.idp.set_user_pool_mfa_config(
            UserPoolId=pool.id, MfaConfiguration=mode, SmsMfaConfiguration=SMS_POOL
        )
    pool.add_user(phone_number=PHONE, phone_number_verified="true", email=MAIL, email_verified="true")
    return pool


def test_a_user_chooses_the_first_factor(served: Served) -> None:
    pool = choosing(served, "EMAIL_OTP", "SMS_OTP")
    asked = start(pool, "USER_AUTH")
    assert asked["ChallengeName"] == "SELECT_CHALLENGE"
    assert asked["AvailableChallenges"] == ["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP", "SMS_OTP"]
    texted = respond(pool, asked, ANSWER="SMS_OTP")
    assert (texted["ChallengeName"], sent(pool)["medium"]) == ("SMS_OTP", "SMS")
    access = respond(pool, texted, SMS_OTP_CODE=sent(pool)["code"])["AuthenticationResult"]["AccessToken"]
    factors = pool.idp.get_user_auth_factors(AccessToken=access)
    assert factors["ConfiguredUserAuthFactors"] == ["PASSWORD", "EMAIL_OTP", "SMS_OTP"]
    told = respond(pool, start(pool, "USER_AUTH"), ANSWER="PASSWORD", PASSWORD=PASSWORD)
    assert "AuthenticationResult" in told
    later = respond(pool, start(pool, "USER_AUTH"), ANSWER="PASSWORD")
    assert later["ChallengeName"] == "PASSWORD"
    assert error(lambda: respond(pool, later, PASSWORD="wrong"))[0] == "NotAuthorizedException"


def test_a_pool_may_do_without_passwords(served: Served) -> None:
    pool = choosing(served, first="EMAIL_OTP")
    asked = start(pool, "USER_AUTH")
    assert asked["AvailableChallenges"] == ["EMAIL_OTP"]
    password = error(lambda: respond(pool, asked, ANSWER="PASSWORD", PASSWORD=PASSWORD))
    assert password[0] == "InvalidParameterException"
    passkey = error(lambda: respond(pool, start(pool, "USER_AUTH"), ANSWER="WEB_AUTHN"))
    assert (passkey[0], "WEB_AUTHN" in passkey[1]) == ("NotImplemented", True)


def test_a_client_may_prefer_a_challenge(served: Served) -> None:
    pool = choosing(served, "EMAIL_OTP")
    asked = start(pool, "USER_AUTH", PREFERRED_CHALLENGE="EMAIL_OTP")
    assert asked["ChallengeName"] == "EMAIL_OTP"
    assert "AuthenticationResult" in respond(pool, asked, EMAIL_OTP_CODE=sent(pool)["code"])
    given = {"PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": PASSWORD}
    assert "AuthenticationResult" in start(pool, "USER_AUTH", **given)
    srp = start(pool, "USER_AUTH", PREFERRED_CHALLENGE="PASSWORD_SRP", SRP_A="2")
    assert (srp["ChallengeName"], "SRP_B" in srp["ChallengeParameters"]) == ("PASSWORD_VERIFIER", True)
    other = start(pool, "USER_AUTH", PREFERRED_CHALLENGE="SMS_OTP")  # not one of the pool's
    assert (other["ChallengeName"], other["AvailableChallenges"]) == (
        "SELECT_CHALLENGE",
        ["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP"],
    )
    passkey = error(lambda: start(pool, "USER_AUTH", PREFERRED_CHALLENGE="WEB_AUTHN"))
    assert (passkey[0], "WEB_AUTHN" in passkey[1]) == ("NotImplemented", True)


def test_where_a_second_factor_is_required_a_password_comes_first(served: Served) -> None:
    pool = choosing(served, "EMAIL_OTP", mode="ON")
    asked = start(pool, "USER_AUTH")
    assert asked["AvailableChallenges"] == ["PASSWORD", "PASSWORD_SRP"]
    second = respond(pool, asked, ANSWER="PASSWORD", PASSWORD=PASSWORD)
    assert second["ChallengeName"] == "SMS_MFA"
    assert "AuthenticationResult" in respond(pool, second, SMS_MFA_CODE=sent(pool)["code"])


def test_a_client_without_the_flow_is_refused(served: Served) -> None:
    pool = pool_with(served, "OFF")
    assert error(lambda: start(pool, "USER_AUTH"))[0] == "InvalidParameterException"
