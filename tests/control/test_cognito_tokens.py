"""What the tokens of a user pool say, how long they hold, and by whose key they are signed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.auth.jwks import IssuerKeys
from sandbox.auth.tokens import TokenError, verify_jwt
from tests.control.cognito_support import PASSWORD, Pool, claims, header, make_pool
from tests.control.helpers import Served


@pytest.fixture
def pool(served: Served) -> Pool:
    made = make_pool(served)
    made.add_user(email="ada@example.com", email_verified="true", given_name="Ada")
    return made


def error(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


def verify(pool: Pool, token: str, **changes: Any) -> Any:
    sandbox = pool.served.sandbox
    asked: dict[str, Any] = {
        "issuer": pool.issuer,
        "audiences": [pool.client],
        "keys": IssuerKeys.of(sandbox),
        "now": sandbox.clock.epoch(),
        **changes,
    }
    return pool.served.ask(verify_jwt(token, **asked))


@pytest.mark.fact("9.3")
def test_an_id_token_says_who_the_user_is(pool: Pool) -> None:
    for name, precedence in (("readers", 5), ("admins", 1)):
        pool.idp.create_group(
            UserPoolId=pool.id,
            GroupName=name,
            Precedence=precedence,
            RoleArn=f"arn:aws:iam::000000000000:role/{name}",
        )
        pool.idp.admin_add_user_to_group(UserPoolId=pool.id, Username="ada", GroupName=name)
    said = claims(pool.log_in()["IdToken"])
    rows = pool.served.sandbox.limits
    assert set(rows.value("cognito.id_token.claims")) <= set(said)
    assert said["aud"] == pool.client
    assert said["iss"] == pool.issuer
    assert said["token_use"] == "id"
    assert said["cognito:username"] == "ada"
    assert said["cognito:groups"] == ["admins", "readers"]
    assert said["cognito:preferred_role"] == "arn:aws:iam::000000000000:role/admins"
    assert (said["email"], said["email_verified"], said["given_name"]) == ("ada@example.com", True, "Ada")
    assert "client_id" not in said


@pytest.mark.fact("9.4")
def test_an_access_token_says_what_it_opens(pool: Pool) -> None:
    pool.idp.create_group(UserPoolId=pool.id, GroupName="readers")
    pool.idp.admin_add_user_to_group(UserPoolId=pool.id, Username="ada", GroupName="readers")
    made = pool.log_in()
    said, identity = claims(made["AccessToken"]), claims(made["IdToken"])
    assert set(pool.served.sandbox.limits.value("cognito.access_token.claims")) <= set(said)
    assert "aud" not in said
    assert said["client_id"] == pool.client
    assert said["scope"] == "aws.cognito.signin.user.admin"
    assert said["username"] == "ada"
    assert said["sub"] == identity["sub"]
    assert said["origin_jti"] == identity["origin_jti"]
    assert said["jti"] != identity["jti"]
    assert "email" not in said


@pytest.mark.fact("9.1")
def test_tokens_hold_an_hour_unless_configured(pool: Pool, served: Served) -> None:
    made = pool.log_in()
    limits = served.sandbox.limits
    for name in ("AccessToken", "IdToken"):
        said = claims(made[name])
        assert said["exp"] - said["iat"] == limits.value("cognito.token.access") == 3600
    assert made["ExpiresIn"] == 3600
    units = {"AccessToken": "minutes", "IdToken": "seconds", "RefreshToken": "hours"}
    other = make_pool(
        served,
        client={"AccessTokenValidity": 5, "IdTokenValidity": 600, "RefreshTokenValidity": 1,
                "TokenValidityUnits": units},
    )  # fmt: skip
    other.add_user()
    made = other.log_in()
    said = [claims(made[name]) for name in ("AccessToken", "IdToken")]
    assert [one["exp"] - one["iat"] for one in said] == [300, 600]
    assert made["ExpiresIn"] == 300


@pytest.mark.fact("9.1")
@pytest.mark.parametrize(
    "client",
    [
        {"AccessTokenValidity": 299, "TokenValidityUnits": {"AccessToken": "seconds"}},
        {"IdTokenValidity": 60},
        {"RefreshTokenValidity": 59, "TokenValidityUnits": {"RefreshToken": "minutes"}},
        {"RefreshTokenValidity": 3651},
    ],
)
def test_validity_out_of_range_is_refused(pool: Pool, client: dict[str, Any]) -> None:
    asked = {"UserPoolId": pool.id, "ClientName": "x", **client}
    assert error(pool.idp.create_user_pool_client, **asked) == (
        "InvalidParameterException",
        "Invalid range for token validity.",
    )


@pytest.mark.fact("9.1")
def test_a_refresh_token_ends_with_its_validity(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    def renewed() -> Any:
        return pool.idp.initiate_auth(
            AuthFlow="REFRESH_TOKEN_AUTH", ClientId=pool.client, AuthParameters={"REFRESH_TOKEN": refresh}
        )

    refresh = pool.log_in()["RefreshToken"]
    clock = pool.served.sandbox.clock
    monkeypatch.setattr(clock, "start", clock.start.__class__.fromtimestamp(
        clock.start.timestamp() + 2_592_000 - 60, clock.start.tzinfo))  # fmt: skip
    result = renewed()["AuthenticationResult"]
    assert "RefreshToken" not in result
    assert claims(result["AccessToken"])["exp"] > clock.epoch() + 3500
    monkeypatch.setattr(clock, "start", clock.start.__class__.fromtimestamp(
        clock.start.timestamp() + 61, clock.start.tzinfo))  # fmt: skip
    assert error(renewed) == ("NotAuthorizedException", "Refresh Token has expired")


@pytest.mark.fact("9.2")
def test_each_kind_of_token_has_its_key_in_the_pools_set(pool: Pool, served: Served) -> None:
    made = pool.log_in()
    heads = [header(made[name]) for name in ("IdToken", "AccessToken")]
    assert [set(head) for head in heads] == [{"kid", "alg"}] * 2
    assert [head["alg"] for head in heads] == ["RS256"] * 2
    keys = served.ask(served.control.issuer_keys(pool.issuer)) or ()
    assert {head["kid"] for head in heads} == {key["kid"] for key in keys}
    assert len({head["kid"] for head in heads}) == 2
    assert verify(pool, made["IdToken"], uses=["id"])["token_use"] == "id"
    assert verify(pool, made["AccessToken"], uses=["access"])["token_use"] == "access"


def test_another_pools_token_is_refused(pool: Pool, served: Served) -> None:
    other = make_pool(served)
    other.add_user()
    token = other.log_in()["IdToken"]
    assert verify(other, token)
    with pytest.raises(TokenError, match="issuer"):
        verify(pool, token)
    with pytest.raises(TokenError, match="audience"):
        verify(other, token, audiences=[pool.client])


def test_a_deleted_pool_has_no_keys(pool: Pool, served: Served) -> None:
    pool.idp.delete_user_pool(UserPoolId=pool.id)
    assert served.ask(served.control.issuer_keys(pool.issuer)) is None


def test_an_id_token_shows_only_what_the_client_may_read(served: Served) -> None:
    pool = make_pool(served, client={"ReadAttributes": ["email"]})
    pool.add_user(email="ada@example.com", given_name="Ada")
    said = claims(pool.log_in()["IdToken"])
    assert said["email"] == "ada@example.com"
    assert "given_name" not in said


def test_revoked_and_signed_out_logins_end(pool: Pool) -> None:
    first, second = pool.log_in(), pool.log_in()
    pool.idp.revoke_token(Token=first["RefreshToken"], ClientId=pool.client)
    assert error(pool.idp.get_user, AccessToken=first["AccessToken"]) == (
        "NotAuthorizedException",
        "Access Token has been revoked",
    )
    assert pool.idp.get_user(AccessToken=second["AccessToken"])["Username"] == "ada"
    pool.idp.global_sign_out(AccessToken=second["AccessToken"])
    asked = {"REFRESH_TOKEN": second["RefreshToken"]}
    assert error(
        pool.idp.initiate_auth, AuthFlow="REFRESH_TOKEN_AUTH", ClientId=pool.client, AuthParameters=asked
    ) == ("NotAuthorizedException", "Refresh Token has been revoked")
    third = pool.log_in()
    pool.idp.admin_user_global_sign_out(UserPoolId=pool.id, Username="ada")
    assert error(pool.idp.get_user, AccessToken=third["AccessToken"])[1] == "Access Token has been revoked"


def test_only_an_access_token_of_a_pool_opens_the_account(pool: Pool) -> None:
    made = pool.log_in()
    for token in (made["IdToken"], "nonsense", made["AccessToken"][:-2] + "AA"):
        assert error(pool.idp.get_user, AccessToken=token) == (
            "NotAuthorizedException",
            "Invalid Access Token",
        )
    pool.idp.change_password(
        PreviousPassword=PASSWORD, ProposedPassword="Another-horse-1", AccessToken=made["AccessToken"]
    )
    assert pool.log_in(password="Another-horse-1")


def test_ids_and_secrets_have_cognitos_form(served: Served) -> None:
    pool = make_pool(served, client={"GenerateSecret": True})
    assert re.fullmatch(r"us-east-1_[A-Za-z0-9]{9}", pool.id)
    assert re.fullmatch(r"[a-z0-9]{26}", pool.client)
    assert re.fullmatch(r"[a-z0-9]{52}", pool.secret or "")
    described = pool.idp.describe_user_pool(UserPoolId=pool.id)["UserPool"]
    assert described["Arn"] == f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool.id}"
    found = pool.idp.describe_user_pool_client(UserPoolId=pool.id, ClientId=pool.client)
    assert found["UserPoolClient"]["ClientSecret"] == pool.secret
