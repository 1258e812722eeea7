"""Software tokens: set up, asked for at a login, used once."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sandbox.control.shims.cognito_idp.software_token import code_at
from tests.control.cognito_support import PASSWORD, Pool, make_pool
from tests.control.helpers import Served
from tests.control.test_cognito_login import error

TOKEN = "SOFTWARE_TOKEN_MFA"


@pytest.fixture
def pool(served: Served) -> Pool:
    return pool_with(served, "OPTIONAL")


def pool_with(served: Served, mode: str, **more: Any) -> Pool:
    made = make_pool(served)
    given: dict[str, Any] = {"SoftwareTokenMfaConfiguration": {"Enabled": True}, **more}
    made.idp.set_user_pool_mfa_config(UserPoolId=made.id, MfaConfiguration=mode, **given)
    made.add_user(email="ada@example.com")
    return made


def step(pool: Pool) -> int:
    return int(pool.served.sandbox.clock.epoch()) // 30


def start(pool: Pool) -> Any:
    given = {"USERNAME": "ada", "PASSWORD": PASSWORD}
    return pool.idp.initiate_auth(AuthFlow="USER_PASSWORD_AUTH", ClientId=pool.client, AuthParameters=given)


def respond(pool: Pool, session: str, code: str) -> Any:
    return pool.idp.respond_to_auth_challenge(
        ClientId=pool.client,
        ChallengeName=TOKEN,
        Session=session,
        ChallengeResponses={"USERNAME": "ada", "SOFTWARE_TOKEN_MFA_CODE": code},
    )


def enrol(pool: Pool, *, back: int = 1) -> str:
    """ada's secret; she has used the code ``back`` steps ago."""
    access = pool.log_in()["AccessToken"]
    secret: str = pool.idp.associate_software_token(AccessToken=access)["SecretCode"]
    code = code_at(secret, step(pool) - back)
    done = pool.idp.verify_software_token(AccessToken=access, UserCode=code, FriendlyDeviceName="phone")
    assert done["Status"] == "SUCCESS"
    settings = {"Enabled": True, "PreferredMfa": True}
    pool.idp.set_user_mfa_preference(AccessToken=access, SoftwareTokenMfaSettings=settings)
    return secret


def test_codes_are_those_of_rfc_6238() -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    vectors = ((59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"))
    assert [code_at(secret, at // 30) for at, _ in vectors] == [code for _, code in vectors]


def test_a_login_asks_for_the_code_once_it_is_preferred(pool: Pool) -> None:
    assert "AuthenticationResult" in start(pool)
    secret = enrol(pool)
    asked = start(pool)
    assert asked["ChallengeName"] == TOKEN
    assert asked["ChallengeParameters"] == {"USER_ID_FOR_SRP": "ada", "FRIENDLY_DEVICE_NAME": "phone"}
    wrong = ("CodeMismatchException", "Invalid code received for user")
    assert error(lambda: respond(pool, asked["Session"], "000000")) == wrong
    assert error(lambda: respond(pool, asked["Session"], "\u0661" * 6)) == wrong  # digits, but not ASCII's
    code = code_at(secret, step(pool))
    answered = respond(pool, asked["Session"], code)
    access = answered["AuthenticationResult"]["AccessToken"]
    told = pool.idp.get_user(AccessToken=access)
    assert (told["UserMFASettingList"], told["PreferredMfaSetting"]) == ([TOKEN], TOKEN)
    assert pool.idp.admin_get_user(UserPoolId=pool.id, Username="ada")["UserMFASettingList"] == [TOKEN]
    gone = ("NotAuthorizedException", "Invalid session for the user.")
    assert error(lambda: respond(pool, asked["Session"], code)) == gone
    used = ("ExpiredCodeException", "Your software token has already been used once.")
    assert error(lambda: respond(pool, start(pool)["Session"], code)) == used


def test_it_is_asked_for_no_more_when_it_is_switched_off(pool: Pool) -> None:
    enrol(pool)
    off = {"SoftwareTokenMfaSettings": {"Enabled": False}}
    pool.idp.admin_set_user_mfa_preference(UserPoolId=pool.id, Username="ada", **off)
    assert "AuthenticationResult" in start(pool)


def test_what_is_not_set_up_cannot_be_preferred(pool: Pool) -> None:
    access = pool.log_in()["AccessToken"]

    def prefer() -> Any:
        return pool.idp.set_user_mfa_preference(
            AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True}
        )

    code = "InvalidParameterException"
    assert error(prefer) == (code, "User has not set up software token mfa")
    verify = {"AccessToken": access, "UserCode": "123456"}
    assert error(pool.idp.verify_software_token, **verify)[0] == "SoftwareTokenMFANotFoundException"
    assert "Session" not in pool.idp.associate_software_token(AccessToken=access)
    assert error(pool.idp.associate_software_token)[0] == "InvalidParameterException"
    assert error(prefer) == (code, "User has not verified software token mfa")
    assert error(pool.idp.verify_software_token, **verify) == (
        "EnableSoftwareTokenMFAException",
        "Code mismatch and fail enable Software Token MFA",
    )


def test_a_pool_that_requires_it_has_it_set_up_at_the_login(served: Served) -> None:
    pool = pool_with(served, "ON")
    asked = start(pool)
    assert asked["ChallengeName"] == "MFA_SETUP"
    assert json.loads(asked["ChallengeParameters"]["MFAS_CAN_SETUP"]) == [TOKEN]

    def finish(session: str) -> Any:
        return pool.idp.respond_to_auth_challenge(
            ClientId=pool.client,
            ChallengeName="MFA_SETUP",
            Session=session,
            ChallengeResponses={"USERNAME": "ada"},
        )

    assert error(lambda: finish(asked["Session"]))[0] == "NotAuthorizedException"
    begun = pool.idp.associate_software_token(Session=start(pool)["Session"])
    assert begun["SecretCode"]
    assert start(pool)["ChallengeName"] == "MFA_SETUP"  # a token counts once it is verified
    made = pool.idp.associate_software_token(Session=asked["Session"])
    code = code_at(made["SecretCode"], step(pool) - 1)
    verified = pool.idp.verify_software_token(Session=made["Session"], UserCode=code)
    assert "AuthenticationResult" in finish(verified["Session"])
    again = start(pool)  # without any preference: the pool requires it
    assert again["ChallengeName"] == TOKEN
    code = code_at(made["SecretCode"], step(pool))
    assert "AuthenticationResult" in respond(pool, again["Session"], code)
