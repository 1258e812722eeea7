"""Key sets and hosted domains of user pools over HTTP, and what passes the front unsigned."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.app import open_sandbox
from sandbox.auth.jwks import IssuerKeys
from sandbox.auth.tokens import unverified_claims, verify_jwt
from sandbox.clock import Clock, run
from sandbox.context import Sandbox

PASSWORD = "Correct-horse-1"
BACK = "https://app.example/back"


@dataclass
class World:
    """A sandbox with a pool, its domain, a client for people and one for machines, and a user."""

    sandbox: Sandbox
    clock: Clock
    http: httpx.AsyncClient
    pool: str = ""
    web: str = ""
    machine: str = ""
    secret: str = ""

    async def idp(self, operation: str, **params: Any) -> dict[str, Any]:
        return await self.sandbox.control.call("cognito-idp", operation, **params)

    @property
    def domain(self) -> str:
        return f"{self.sandbox.endpoint}/_aws/cognito/people"

    async def make(self) -> None:
        made = await self.idp("CreateUserPool", PoolName="people")
        self.pool = made["UserPool"]["Id"]
        at = {"UserPoolId": self.pool}
        await self.idp("CreateUserPoolDomain", Domain="people", **at)
        scopes = [{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")]
        await self.idp("CreateResourceServer", Identifier="notes", Name="notes", Scopes=scopes, **at)
        flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        web = await self.idp(
            "CreateUserPoolClient", ClientName="web", ExplicitAuthFlows=flows, CallbackURLs=[BACK],
            AllowedOAuthFlows=["code"], AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=["openid", "email", "notes/read"], **at,
        )  # fmt: skip
        machine = await self.idp(
            "CreateUserPoolClient", ClientName="machine", GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"], AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=["notes/read"], **at,
        )  # fmt: skip
        self.web = web["UserPoolClient"]["ClientId"]
        self.machine = machine["UserPoolClient"]["ClientId"]
        self.secret = machine["UserPoolClient"]["ClientSecret"]
        attributes = [{"Name": "email", "Value": "ada@example.com"}]
        await self.idp(
            "AdminCreateUser", Username="ada", UserAttributes=attributes, MessageAction="SUPPRESS", **at
        )
        await self.idp("AdminSetUserPassword", Username="ada", Password=PASSWORD, Permanent=True, **at)

    async def log_in(self) -> dict[str, str]:
        made = await self.idp(
            "InitiateAuth",
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=self.web,
            AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
        )
        result: dict[str, str] = made["AuthenticationResult"]
        return result

    async def tokens(self, **form: str) -> httpx.Response:
        return await self.http.post(f"{self.domain}/oauth2/token", data=form)

    async def code(self, **changes: str) -> tuple[dict[str, str], str]:
        """The query of an authorization, and the code that logging in by the form gives."""
        query = {
            "response_type": "code", "client_id": self.web, "redirect_uri": BACK, "state": "s",
            "scope": "openid email", **changes,
        }  # fmt: skip
        first = await self.http.get(f"{self.domain}/oauth2/authorize", params=query)
        assert first.status_code == 302, first.text
        page = f"{self.sandbox.endpoint}{first.headers['location']}"
        assert "password" in (await self.http.get(page)).text
        wrong = await self.http.post(page, data={"username": "ada", "password": "x"})
        assert (wrong.status_code, "Incorrect username or password." in wrong.text) == (400, True)
        last = await self.http.post(page, data={"username": "ada", "password": PASSWORD})
        back = urlsplit(last.headers["location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == BACK
        given = parse_qs(back.query)
        assert given["state"] == ["s"]
        return query, given["code"][0]


def play(main: Callable[[World], Awaitable[None]]) -> None:
    async def whole(clock: Clock) -> None:
        async with open_sandbox(clock) as sandbox, httpx.AsyncClient(timeout=None) as http:
            world = World(sandbox, clock, http)
            await world.make()
            await main(world)

    run(whole)


@pytest.mark.fact("9.2")
def test_the_key_set_and_the_configuration_are_on_our_port() -> None:
    async def main(world: World) -> None:
        host = {"host": "cognito-idp.us-east-1.amazonaws.com"}
        issuer = f"https://{host['host']}/{world.pool}"
        url = world.sandbox.limits.value("cognito.jwks.url").format(region="us-east-1", userPoolId=world.pool)
        assert url == f"{issuer}/.well-known/jwks.json"
        for headers in (host, {"host": "localhost"}):
            answer = await world.http.get(
                f"{world.sandbox.endpoint}/{world.pool}/.well-known/jwks.json", headers=headers
            )
            keys = answer.json()["keys"]
            assert [set(key) for key in keys] == [{"alg", "e", "kid", "kty", "n", "use"}] * 2
        token = (await world.log_in())["IdToken"]

        async def nobody(issuer: str) -> None:
            return None

        # As a foreign issuer is asked: by HTTP, configuration first.
        over_http = IssuerKeys(
            nobody, world.clock.now, timeout_s=1.5, max_bytes=150_000, endpoint=world.sandbox.endpoint
        )
        said = await verify_jwt(
            token, issuer=issuer, audiences=[world.web], keys=over_http, now=world.clock.epoch(), uses=["id"]
        )
        assert said["email"] == "ada@example.com"
        found = await world.http.get(
            f"{world.sandbox.endpoint}/{world.pool}/.well-known/openid-configuration", headers=host
        )
        assert found.json()["jwks_uri"] == url
        assert found.json()["token_endpoint"] == (
            "https://people.auth.us-east-1.amazoncognito.com/oauth2/token"
        )
        gone = await world.http.get(f"{world.sandbox.endpoint}/us-east-1_nobody/.well-known/jwks.json")
        assert gone.status_code == 400

    play(main)


def test_a_machine_gets_a_token_for_its_scopes() -> None:
    async def main(world: World) -> None:
        basic = base64.b64encode(f"{world.machine}:{world.secret}".encode()).decode()
        answer = await world.http.post(
            f"{world.sandbox.endpoint}/oauth2/token",
            data={"grant_type": "client_credentials", "scope": "notes/read"},
            headers={
                "host": "people.auth.us-east-1.amazoncognito.com",
                "authorization": f"Basic {basic}",
                "origin": "https://app.example",
            },
        )
        assert set(answer.json()) == {"access_token", "expires_in", "token_type"}
        assert answer.headers["access-control-allow-origin"] == "*"
        said = unverified_claims(answer.json()["access_token"])
        assert (said["sub"], said["client_id"], said["scope"]) == (world.machine, world.machine, "notes/read")
        given = {"client_id": world.machine, "client_secret": world.secret}
        every = await world.tokens(grant_type="client_credentials", **given)
        assert unverified_claims(every.json()["access_token"])["scope"] == "notes/read"
        for form, error in (
            ({"grant_type": "client_credentials", "scope": "notes/write", **given}, "invalid_scope"),
            ({"grant_type": "client_credentials", **given, "client_secret": "x"}, "invalid_client"),
            ({"grant_type": "client_credentials", "client_id": world.machine}, "invalid_client"),
            ({"grant_type": "client_credentials", "client_id": world.web}, "unauthorized_client"),
            ({"grant_type": "password", **given}, "unsupported_grant_type"),
            ({"grant_type": "authorization_code", "code": "x", **given}, "invalid_grant"),
            (given, "invalid_request"),
        ):
            refused = await world.tokens(**form)
            assert (refused.status_code, refused.json()) == (400, {"error": error})

    play(main)


def test_a_person_logs_in_by_the_form_and_redeems_the_code_once() -> None:
    async def main(world: World) -> None:
        verifier = "v" * 50
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        _, code = await world.code(code_challenge=challenge, code_challenge_method="S256")
        form = {"grant_type": "authorization_code", "client_id": world.web, "redirect_uri": BACK}
        assert (await world.tokens(**form, code=code, code_verifier="x")).json() == {"error": "invalid_grant"}
        _, code = await world.code(code_challenge=challenge, code_challenge_method="S256")
        made = (await world.tokens(**form, code=code, code_verifier=verifier)).json()
        assert set(made) == {"id_token", "access_token", "refresh_token", "expires_in", "token_type"}
        said = unverified_claims(made["access_token"])
        assert (said["scope"], said["version"]) == ("email openid", 2)
        assert (await world.tokens(**form, code=code, code_verifier=verifier)).status_code == 400
        authorization = {"authorization": f"Bearer {made['access_token']}"}
        info = (await world.http.get(f"{world.domain}/oauth2/userInfo", headers=authorization)).json()
        assert (info["username"], info["email"]) == ("ada", "ada@example.com")
        again = {"grant_type": "refresh_token", "client_id": world.web}
        renewed = await world.tokens(**again, refresh_token=made["refresh_token"])
        assert set(renewed.json()) == {"id_token", "access_token", "expires_in", "token_type"}
        revoked = await world.http.post(
            f"{world.domain}/oauth2/revoke", data={"token": made["refresh_token"], "client_id": world.web}
        )
        assert (revoked.status_code, revoked.content) == (200, b"")
        refused = await world.tokens(**again, refresh_token=made["refresh_token"])
        assert refused.json() == {"error": "invalid_grant"}
        gone = await world.http.get(f"{world.domain}/oauth2/userInfo", headers=authorization)
        assert gone.status_code == 401
        assert 'error="invalid_token"' in gone.headers["www-authenticate"]

    play(main)


def test_a_code_ends_after_five_minutes() -> None:
    async def main(world: World) -> None:
        _, code = await world.code()
        await world.clock.advance(300)
        form = {"grant_type": "authorization_code", "client_id": world.web, "redirect_uri": BACK}
        assert (await world.tokens(**form, code=code)).json() == {"error": "invalid_grant"}

    play(main)


def test_an_authorization_that_does_not_fit_is_refused_before_the_form() -> None:
    async def main(world: World) -> None:
        good = {"response_type": "code", "client_id": world.web, "redirect_uri": BACK, "scope": "openid"}
        for change, error in (
            ({"redirect_uri": "https://evil.example"}, "redirect_mismatch"),
            ({"client_id": "x"}, "invalid_client"),
            ({"scope": "phone"}, "invalid_scope"),
            ({"response_type": "token"}, "invalid_request"),
        ):
            for path in ("oauth2/authorize", "login"):
                answer = await world.http.get(f"{world.domain}/{path}", params={**good, **change})
                assert (answer.status_code, answer.json()["error"]) == (400, error)

    play(main)


def test_people_need_no_signature_and_administrators_do() -> None:
    async def main(world: World) -> None:
        async def call(operation: str, **params: Any) -> httpx.Response:
            headers = {
                "x-amz-target": f"AWSCognitoIdentityProviderService.{operation}",
                "content-type": "application/x-amz-json-1.1",
                "origin": "https://app.example",
            }
            return await world.http.post(world.sandbox.endpoint, content=json.dumps(params), headers=headers)

        given = {"USERNAME": "ada", "PASSWORD": PASSWORD}
        answer = await call(
            "InitiateAuth", AuthFlow="USER_PASSWORD_AUTH", ClientId=world.web, AuthParameters=given
        )
        token = answer.json()["AuthenticationResult"]["AccessToken"]
        assert answer.headers["access-control-allow-origin"] == "*"
        assert (await call("GetUser", AccessToken=token)).json()["Username"] == "ada"
        for operation in ("AdminGetUser", "ListUsers", "CreateUserPool", "AdminInitiateAuth"):
            refused = await call(operation, UserPoolId=world.pool, Username="ada")
            assert (refused.status_code, "Missing Authentication Token" in refused.text) == (403, True)
        preflight = await world.http.options(
            world.sandbox.endpoint,
            headers={
                "origin": "https://app.example",
                "access-control-request-method": "POST",
                "access-control-request-headers": "content-type,x-amz-target,x-amz-user-agent",
            },
        )
        assert preflight.status_code == 200
        assert "x-amz-target" in preflight.headers["access-control-allow-headers"]

    play(main)
