"""Users log in before their requests go on: a browser with cookies, Cognito's own pages, a foreign provider."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm

PASSWORD = "Correct-horse-1"
NAME = "lb-1.us-east-1.elb.amazonaws.com"


async def echo(request: Any, writer: asyncio.StreamWriter) -> None:
    """The request's headers as JSON."""
    body = json.dumps(request.headers).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


def idp(world: Any, name: str = "cognito-idp") -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client(name, endpoint_url=world.sandbox.endpoint, **keys)


def make_pool(world: Any, callbacks: list[str], secret: bool = True) -> dict[str, str]:
    client = idp(world)
    pool = client.create_user_pool(PoolName="people")["UserPool"]
    client.create_user_pool_domain(Domain="people", UserPoolId=pool["Id"])
    made = client.create_user_pool_client(
        UserPoolId=pool["Id"],
        ClientName="lb",
        GenerateSecret=secret,
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["openid", "email"],
        CallbackURLs=callbacks,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
    )["UserPoolClient"]
    client.admin_create_user(
        UserPoolId=pool["Id"],
        Username="ada",
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": "ada@example.com"}],
    )
    client.admin_set_user_password(UserPoolId=pool["Id"], Username="ada", Password=PASSWORD, Permanent=True)
    return {"UserPoolArn": pool["Arn"], "UserPoolClientId": made["ClientId"], "UserPoolDomain": "people"}


async def guard(world: Any, config: dict[str, Any], kind: str = "authenticate-cognito") -> None:
    """Put a login before the listener's forward."""
    name = {
        "authenticate-cognito": "AuthenticateCognitoConfig",
        "authenticate-oidc": "AuthenticateOidcConfig",
    }
    elb = idp(world, "elbv2")
    actions = [
        {"Type": "forward", "TargetGroupArn": world.group.arn, "Order": 2},
        {"Type": kind, name[kind]: config, "Order": 1},
    ]
    await asyncio.to_thread(elb.modify_listener, ListenerArn=world.listener, DefaultActions=actions)


def base(world: Any) -> str:
    return f"http://localhost:{world.sandbox.settings.port}/_aws/alb/lb"


class Browser:
    """Keeps cookies by name, whatever they are for: the sandbox is asked without TLS here."""

    def __init__(self) -> None:
        self.http = httpx.AsyncClient(timeout=None, trust_env=False)
        self.cookies: dict[str, str] = {}
        self.attributes: dict[str, str] = {}

    async def ask(self, method: str, url: str, **more: Any) -> httpx.Response:
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items() if value)
        headers = {**({"cookie": jar} if jar else {}), **more.pop("headers", {})}
        answer = await self.http.request(method, url, headers=headers, **more)
        for one in answer.headers.get_list("set-cookie"):
            pair, _, attributes = one.partition("; ")
            name, _, value = pair.partition("=")
            self.cookies[name], self.attributes[name] = value, attributes
        return answer

    async def get(self, url: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", url, **more)


async def log_in(person: Browser, at: httpx.Response) -> httpx.Response:
    """From the redirect of the load balancer to its answer behind the login."""
    page = await person.get(at.headers["location"])
    form = await person.get(httpx.URL(at.headers["location"]).join(page.headers["location"]))
    action = re.search(r'action="([^"]+)"', form.text)
    assert action is not None
    target = httpx.URL(at.headers["location"]).join(action[1].replace("&amp;", "&"))
    answer = await person.ask("POST", str(target), data={"username": "ada", "password": PASSWORD})
    return await person.get(answer.headers["location"])


@pytest.mark.fact("7.14")
def test_a_browser_logs_in_at_cognito_and_the_target_is_told_who_it_is(play: Any) -> None:
    async def main(world: Any) -> Any:
        config = await asyncio.to_thread(lambda: make_pool(world, [f"{base(world)}/oauth2/idpresponse"]))
        await guard(world, config)
        person = Browser()
        sent = await person.get(f"{base(world)}/chat?a=1")
        back = await log_in(person, sent)
        told = (await person.get(back.headers["location"], headers={"x-amzn-oidc-identity": "eve"})).json()
        kid = jwt.get_unverified_header(told["x-amzn-oidc-data"])["kid"]
        key = await person.get(
            f"{world.sandbox.endpoint}/{kid}",
            headers={"host": "public-keys.auth.elb.us-east-1.amazonaws.com"},
        )
        await person.http.aclose()
        return sent, back, told, key.text, person, config, world.clock.epoch()

    sent, back, told, key, person, config, now = play(main, echo, protocol="HTTPS")
    asked = urlsplit(sent.headers["location"])
    query = {name: values[0] for name, values in parse_qs(asked.query).items()}
    assert (sent.status_code, asked.path) == (302, "/_aws/cognito/people/oauth2/authorize")
    assert set(query) == {"client_id", "redirect_uri", "response_type", "scope", "state"}
    assert (query["scope"], query["response_type"]) == ("openid", "code")
    assert re.fullmatch("[A-Za-z0-9]{16}", person.cookies["AWSALBAuthNonce"])
    assert back.status_code == 302
    assert back.headers["location"].endswith("/_aws/alb/lb/chat?a=1")
    assert "AWSELBAuthSessionCookie-0" in person.cookies
    assert {"Secure", "HttpOnly", "Path=/"} <= set(person.attributes["AWSELBAuthSessionCookie-0"].split("; "))
    header = jwt.get_unverified_header(told["x-amzn-oidc-data"])
    claims = jwt.decode(told["x-amzn-oidc-data"], key, algorithms=["ES256"], options={"verify_exp": False})
    assert claims["sub"] == told["x-amzn-oidc-identity"] != "eve"
    assert (claims["email"], claims["username"]) == ("ada@example.com", "ada")
    assert header["client"] == config["UserPoolClientId"]
    assert header["signer"].startswith("arn:aws:elasticloadbalancing:us-east-1:")
    assert header["iss"].endswith(config["UserPoolArn"].rpartition("/")[2])
    assert now <= header["exp"] <= now + 120
    assert all(len(part) % 4 == 0 for part in told["x-amzn-oidc-data"].split("."))  # padded
    access = told["x-amzn-oidc-accesstoken"].split(".")[1]
    assert json.loads(urlsafe_b64decode(access + "=="))["token_use"] == "access"


@pytest.mark.fact("7.14")
@pytest.mark.parametrize(("what", "status"), [("deny", 401), ("allow", 200), ("authenticate", 302)])
def test_what_happens_to_who_is_not_logged_in(play: Any, what: str, status: int) -> None:
    async def main(world: Any) -> Any:
        config = await asyncio.to_thread(lambda: make_pool(world, ["https://x/oauth2/idpresponse"]))
        await guard(world, {**config, "OnUnauthenticatedRequest": what})
        return await world.http.get("/", headers={"x-amzn-oidc-identity": "eve"})

    answer = play(main, echo, protocol="HTTPS")
    assert answer.status_code == status
    if what == "allow":
        assert not [name for name in answer.json() if name.startswith("x-amzn-oidc")]
    if what == "authenticate":
        asked = urlsplit(answer.headers["location"])
        assert asked.netloc == "people.auth.us-east-1.amazoncognito.com"
        assert parse_qs(asked.query)["redirect_uri"] == [f"https://{NAME}/oauth2/idpresponse"]


async def logged_in(world: Any, **settings: Any) -> Browser:
    config = await asyncio.to_thread(lambda: make_pool(world, [f"{base(world)}/oauth2/idpresponse"]))
    await guard(world, {**config, **settings})
    person = Browser()
    back = await log_in(person, await person.get(f"{base(world)}/"))
    assert back.status_code == 302
    return person


@pytest.mark.fact("7.14")
def test_a_session_ends_after_its_timeout_and_is_renewed_until_then(play: Any) -> None:
    async def main(world: Any) -> Any:
        person = await logged_in(world, SessionTimeout=7200, SessionCookieName="mine")
        first = (await person.get(f"{base(world)}/")).json()["x-amzn-oidc-accesstoken"]
        seen = []
        for seconds in (3500, 200, 3499, 2):  # an access token lasts an hour
            await asyncio.sleep(seconds)
            cookie = person.cookies["mine-0"]
            answer = await person.get(f"{base(world)}/")
            token = answer.json()["x-amzn-oidc-accesstoken"] if answer.status_code == 200 else None
            seen.append((answer.status_code, token == first, person.cookies["mine-0"] == cookie))
        await person.http.aclose()
        return seen

    assert play(main, echo, protocol="HTTPS") == [
        (200, True, True),
        (200, False, False),
        (200, False, True),
        (302, False, True),
    ]


@pytest.mark.fact("7.14")
def test_a_user_who_was_signed_out_logs_in_again_once_the_access_token_ends(play: Any) -> None:
    async def main(world: Any) -> Any:
        person = await logged_in(world)
        client = idp(world)
        pools = await asyncio.to_thread(client.list_user_pools, MaxResults=1)
        await asyncio.to_thread(
            client.admin_user_global_sign_out, UserPoolId=pools["UserPools"][0]["Id"], Username="ada"
        )
        before = (await person.get(f"{base(world)}/")).status_code
        await asyncio.sleep(3600)
        after = (await person.get(f"{base(world)}/")).status_code
        await person.http.aclose()
        return before, after

    assert play(main, echo, protocol="HTTPS") == (200, 302)


@pytest.mark.fact("7.14")
def test_who_comes_back_wrongly_is_refused_and_the_code_stays_good(play: Any) -> None:
    async def main(world: Any) -> Any:
        callback = f"{base(world)}/oauth2/idpresponse"
        config = await asyncio.to_thread(lambda: make_pool(world, [callback]))
        await guard(world, config)
        person = Browser()
        sent = await person.get(f"{base(world)}/")
        state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]
        nonce = person.cookies["AWSALBAuthNonce"]
        told = []

        async def back(**query: str) -> int:
            answer = await person.get(callback, params=query)
            told.append([e[1]["reason"].partition(":")[0] for e in world.events("failed")][-1])
            return answer.status_code

        statuses = [await back(code="x"), await back(code="x", state="made-up"), await back(state=state)]
        statuses += [await back(state=state, error="access_denied")]
        statuses += [await back(state=state, error="server_error"), await back(state=state, code="x")]
        person.cookies["AWSALBAuthNonce"] = "another"
        statuses += [await back(state=state, code="x")]
        del person.cookies["AWSALBAuthNonce"]
        statuses += [await back(state=state, code="x")]
        person.cookies["AWSELBAuthSessionCookie-0"] = "made-up"
        statuses += [(await person.get(f"{base(world)}/")).status_code]
        person.cookies = {"AWSALBAuthNonce": nonce}
        await asyncio.sleep(900)
        statuses += [await back(state=state, code="x")]
        await person.http.aclose()
        return statuses, told

    statuses, told = play(main, echo, protocol="HTTPS")
    assert statuses == [401, 401, 401, 401, 561, 561, 401, 401, 401, 401]
    assert told == [
        "AuthMissingStateParam",
        "AuthInvalidStateParam",
        "AuthMissingCodeParam",
        "the identity provider denied access",
        "AuthInvalidGrantError",
        "AuthTokenEpRequestFailed",
        "AuthInvalidAWSALBAuthNonce",
        "AuthMissingAWSALBAuthNonce",
        "the login took longer than 900 s",
    ]


class ForeignProvider:
    """An OpenID provider of three endpoints; ``answers``: what its token and user info endpoints say."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[tuple[str, str, str]] = []
        self.claims: dict[str, Any] = {"sub": "u-1"}
        self.delay = 0.0
        self.status = 200
        self.audience: Any = "me"
        self.changed: Any = {}  # of the token endpoint's answer; a list stands for the whole
        self.expires = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> Any:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.I)
        body = (await reader.readexactly(int(length[1]))).decode() if length else ""
        line = head.split("\r\n")[0]
        self.asked.append((line, body, head))
        await asyncio.sleep(self.delay)
        answer: dict[str, Any] = self.claims
        if line.startswith("POST /token"):
            told = {"iss": self.url, "aud": self.audience, "exp": self.expires}
            token = jwt.encode(told, "k" * 32, algorithm="HS256")
            answer = {"access_token": "opaque", "id_token": token, "token_type": "Bearer", "expires_in": 60}
            answer = {**answer, **self.changed} if isinstance(self.changed, dict) else self.changed
        text = json.dumps(answer).encode()
        writer.write(
            b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (self.status, len(text), text)
        )
        writer.close()

    def config(self, **more: Any) -> dict[str, Any]:
        return {
            "Issuer": self.url,
            "AuthorizationEndpoint": f"{self.url}/authorize?theme=dark",
            "TokenEndpoint": f"{self.url}/token",
            "UserInfoEndpoint": f"{self.url}/me",
            "ClientId": "me",
            "ClientSecret": "s3cret",
            **more,
        }


async def foreign(world: Any, provider: ForeignProvider, **settings: Any) -> tuple[Browser, httpx.Response]:
    """Through a foreign provider, whose login page everybody passes: the load balancer's last answer."""
    server = await provider.start()
    try:
        provider.expires = provider.expires or int(world.clock.epoch()) + 100
        await guard(world, provider.config(**settings), "authenticate-oidc")
        person = Browser()
        sent = await person.get(f"{base(world)}/page")
        query = parse_qs(urlsplit(sent.headers["location"]).query)
        back = {"code": "c-1", "state": query["state"][0]}
        return person, await person.get(query["redirect_uri"][0], params=back)
    finally:
        server.close()


@pytest.mark.fact("7.14")
def test_a_foreign_provider_and_a_session_of_more_than_4_kb(play: Any) -> None:
    provider = ForeignProvider()
    provider.claims = {"sub": "u-1", "note": "x" * 7000}

    async def main(world: Any) -> Any:
        extra = {"AuthenticationRequestExtraParams": {"prompt": "login"}}
        person, back = await foreign(world, provider, **extra)
        told = (await person.get(back.headers["location"])).json()
        await asyncio.sleep(61)  # no refresh token: the session goes on
        later = (await person.get(back.headers["location"])).status_code
        shown = await world.aws("DescribeListeners", ListenerArns=[world.listener])
        await person.http.aclose()
        return person, back, told, later, shown["Listeners"][0]["DefaultActions"][0]

    person, back, told, later, shown = play(main, echo, protocol="HTTPS")
    assert (back.status_code, told["x-amzn-oidc-identity"], later) == (302, "u-1", 200)
    names = sorted(name for name in person.cookies if name.startswith("AWSELBAuthSessionCookie"))
    assert names == [f"AWSELBAuthSessionCookie-{n}" for n in range(len(names))]
    assert len(names) > 2
    for name in names:
        assert len(f"{name}={person.cookies[name]}; {person.attributes[name]}") <= 4096
    (line, body, _), (second, _, head) = provider.asked
    assert line.startswith("POST /token")
    assert parse_qs(body) == {
        "grant_type": ["authorization_code"],
        "code": ["c-1"],
        "redirect_uri": [parse_qs(body)["redirect_uri"][0]],
        "client_id": ["me"],
        "client_secret": ["s3cret"],
    }
    assert second.startswith("GET /me")
    assert "authorization: bearer opaque" in head.lower()
    assert "ClientSecret" not in shown["AuthenticateOidcConfig"]
    assert shown["AuthenticateOidcConfig"]["SessionTimeout"] == 604_800


@pytest.mark.fact("7.14")
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"status": 500}, 561),
        ({"delay": 6.0}, 500),
        ({"claims": {"sub": "u-1", "note": "x" * 12_000}}, 500),
        ({"audience": "somebody else"}, 401),
        ({"expires": 1}, 401),
        ({"claims": ["no object"]}, 561),
        ({"audience": ["somebody else", "me"]}, 302),
        ({"changed": ["no object"]}, 561),
        ({"changed": {"access_token": None}}, 561),
        ({"changed": {"id_token": None}}, 401),
    ],
)
def test_a_provider_that_fails(play: Any, change: dict[str, Any], status: int) -> None:
    provider = ForeignProvider()
    for name, value in change.items():
        setattr(provider, name, value)

    async def main(world: Any) -> Any:
        start = world.clock.now()
        person, back = await foreign(world, provider)
        await person.http.aclose()
        return back.status_code, round(world.clock.now() - start, 6)

    assert play(main, echo, protocol="HTTPS") == (status, 5 if "delay" in change else 0)


@pytest.mark.fact("7.14")
def test_a_websocket_needs_the_session_too(play: Any) -> None:
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidURI

    from tests.services.alb.test_protocols import websocket_target

    async def main(world: Any) -> Any:
        person = await logged_in(world)
        url = base(world).replace("http", "ws") + "/talk"
        with pytest.raises(InvalidURI) as refused:
            await connect(url, proxy=None, ping_interval=None)
        jar = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
        async with connect(url, proxy=None, ping_interval=None, additional_headers={"cookie": jar}) as socket:
            await socket.send("hi")
            back = await socket.recv()
        await person.http.aclose()
        return str(refused.value), back, world.servers[0].seen[-1].headers

    refusal, back, headers = play(main, websocket_target, protocol="HTTPS")
    assert (
        "/oauth2/authorize?client_id=" in refusal
    )  # the client followed the 302 and found no WebSocket there
    assert back == "hi"
    assert headers["x-amzn-oidc-identity"]


# -- tokens of programs


@pytest.mark.fact("7.15")
def test_tokens_of_programs_are_judged(play: Any) -> None:
    async def main(world: Any) -> Any:
        config = await asyncio.to_thread(lambda: make_pool(world, ["https://x/oauth2/idpresponse"]))
        client = idp(world)
        pool = config["UserPoolArn"].rpartition("/")[2]

        def program() -> Any:
            client.create_resource_server(
                UserPoolId=pool, Identifier="chat", Name="chat",
                Scopes=[{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")],
            )  # fmt: skip
            return client.create_user_pool_client(
                UserPoolId=pool, ClientName="m2m", GenerateSecret=True, AllowedOAuthFlows=["client_credentials"],
                AllowedOAuthFlowsUserPoolClient=True, AllowedOAuthScopes=["chat/read", "chat/write"],
            )["UserPoolClient"]  # fmt: skip

        made = await asyncio.to_thread(program)

        async def token(scope: str) -> str:
            answer = await world.http.post(
                f"{world.sandbox.endpoint}/_aws/cognito/people/oauth2/token",
                headers={"host": "localhost"},
                data={"grant_type": "client_credentials", "scope": scope},
                auth=(made["ClientId"], made["ClientSecret"]),
            )
            return str(answer.json()["access_token"])

        issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool}"
        rule = {
            "JwksEndpoint": f"{issuer}/.well-known/jwks.json",
            "Issuer": issuer,
            "AdditionalClaims": [
                {"Format": "space-separated-values", "Name": "scope", "Values": ["chat/write"]},
                {"Format": "single-string", "Name": "token_use", "Values": ["access"]},
            ],
        }

        async def guard_by(**changes: Any) -> None:
            actions = [
                {"Type": "jwt-validation", "JwtValidationConfig": {**rule, **changes}, "Order": 1},
                {"Type": "forward", "TargetGroupArn": world.group.arn, "Order": 2},
            ]
            elb = idp(world, "elbv2")
            await asyncio.to_thread(
                lambda: elb.modify_listener(ListenerArn=world.listener, DefaultActions=actions)
            )

        await guard_by()
        both, read = await token("chat/read chat/write"), await token("chat/read")
        seen = []
        for sent in (f"Bearer {both}", f"Bearer {read}", "Bearer x.y.z", "", f"Bearer {both[:-4]}AAAA"):
            headers = {"authorization": sent} if sent else {}
            seen.append((await world.http.get("/", headers=headers)).status_code)
        good = {"authorization": f"Bearer {both}"}
        told = (await world.http.get("/", headers=good)).json()["authorization"]
        await asyncio.sleep(3600)
        seen.append((await world.http.get("/", headers=good)).status_code)
        await guard_by(Issuer="https://somebody.else")
        seen.append((await world.http.get("/", headers=good)).status_code)
        await guard_by(JwksEndpoint=f"{issuer}/.well-known/nothing.json")
        seen.append((await world.http.get("/", headers=good)).status_code)
        return seen, told == good["authorization"]

    assert play(main, echo, protocol="HTTPS") == ([200, 401, 401, 401, 401, 401, 401, 500], True)


SIGNER = generate_private_key(65537, 2048)
KEY = {**json.loads(RSAAlgorithm.to_jwk(SIGNER.public_key())), "kid": "k"}
READERS = {"Format": "string-array", "Name": "groups", "Values": ["readers", "writers"]}
UNIT = {"Format": "single-string", "Name": "unit", "Values": ["a b"]}


async def by_token(
    world: Any, keys: Any, status: int = 200, claim: Any = None, **sent: Any
) -> tuple[int, str]:
    """The status of a request with a token of claims, and why it was refused. ``keys``: the issuer's key set."""
    issuer = ForeignProvider()
    issuer.claims, issuer.status = keys, status
    server = await issuer.start()
    try:
        config = {"JwksEndpoint": f"{issuer.url}/keys", "Issuer": issuer.url}
        config |= {"AdditionalClaims": [claim]} if claim else {}
        actions = [
            {"Type": "jwt-validation", "JwtValidationConfig": config, "Order": 1},
            {"Type": "forward", "TargetGroupArn": world.group.arn, "Order": 2},
        ]
        await world.aws("ModifyListener", ListenerArn=world.listener, DefaultActions=actions)
        kind, times = sent.pop("kind", "Bearer "), {"exp": int(world.clock.epoch()) + 60}
        told = {"iss": issuer.url, **times, **sent}
        token = jwt.encode(told, SIGNER, algorithm="RS256", headers={"kid": "k"})
        answer = await world.http.get("/", headers={"authorization": f"{kind}{token}"})
        return answer.status_code, world.events("failed")[-1][1]["reason"] if world.events("failed") else ""
    finally:
        server.close()


@pytest.mark.fact("7.15")
@pytest.mark.parametrize(
    ("sent", "claim", "reason"),
    [
        ({"kind": "bearer "}, None, ""),
        ({"kind": "Token "}, None, "JWTHeaderNotPresent"),
        ({"kind": ""}, None, "JWTHeaderNotPresent"),
        ({"groups": ["guests", "writers"]}, READERS, ""),
        ({"groups": ["guests"]}, READERS, "JWTClaimValueInvalid: groups"),
        ({"groups": "writers"}, READERS, "JWTClaimFormatInvalid: groups is no string-array"),
        ({}, READERS, "JWTClaimNotPresent: groups"),
        ({"unit": "a b"}, UNIT, ""),
        ({"unit": ["a b"]}, UNIT, "JWTClaimFormatInvalid: unit is no single-string"),
    ],
)
def test_claims_of_a_token_by_their_form(play: Any, sent: Any, claim: Any, reason: str) -> None:
    async def main(world: Any) -> Any:
        return await by_token(world, {"keys": [KEY]}, claim=claim, **sent)

    assert play(main, echo, protocol="HTTPS") == (401 if reason else 200, reason)


@pytest.mark.fact("7.15")
@pytest.mark.parametrize(
    ("keys", "status", "reason"),
    [
        ({"keys": [{"kid": f"{n}", "kty": "RSA"} for n in range(9)] + [KEY]}, 200, ""),
        (
            {"keys": [{"kid": f"{n}", "kty": "RSA"} for n in range(10)] + [KEY]},
            200,
            "no list of keys, or too many",
        ),
        ({"keys": {"0": KEY}}, 200, "no list of keys, or too many"),
        ({"keys": [KEY], "more": "x" * 150_000}, 200, ""),
        ({"keys": [KEY], "more": "x" * 153_600}, 200, "status 200, 15"),
        ({"keys": [KEY]}, 403, "status 403, "),
        ({"other": []}, 200, "'keys'"),
    ],
)
def test_key_sets_that_are_taken(play: Any, keys: Any, status: int, reason: str) -> None:
    async def main(world: Any) -> Any:
        return await by_token(world, keys, status)

    seen, told = play(main, echo, protocol="HTTPS")
    assert seen == (500 if reason else 200)
    assert reason in told
    assert bool(told) == bool(reason)
