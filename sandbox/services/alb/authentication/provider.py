"""Identity providers: a user pool of the sandbox, or any OpenID provider by its three endpoints."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Protocol

from sandbox.auth.jwks import reachable
from sandbox.aws.errors import AwsError
from sandbox.aws.tls import public_authorities
from sandbox.context import Sandbox
from sandbox.control.elbv2 import Document
from sandbox.control.user_pools import Credentials, OauthError
from sandbox.services.alb.authentication.errors import LoginError

_TOKEN, _USER = "AuthTokenEpRequest", "AuthUserinfoEpRequest"


class Provider(Protocol):
    """Who knows the users. Both calls raise :class:`LoginError`."""

    issuer: str
    client: str

    async def tokens(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The token endpoint's answer to a form; the client's name and secret are added."""
        ...

    async def user_info(self, access: str) -> bytes:
        """The user info endpoint's answer."""
        ...


class CognitoProvider:
    """A user pool; asked directly, which takes no time."""

    def __init__(self, sandbox: Sandbox, config: Document) -> None:
        self._sandbox = sandbox
        self.pool = str(config["UserPoolArn"]).rpartition("/")[2]
        self.client = str(config["UserPoolClientId"])
        region = self.pool.partition("_")[0]
        self.issuer = f"https://cognito-idp.{region}.amazonaws.com/{self.pool}"

    async def tokens(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """``/oauth2/token`` of its domain."""
        try:
            asks = Credentials(self.client, await self._secret())
            return await self._sandbox.control.user_pools.tokens(self.pool, asks, form)
        except (OauthError, AwsError) as refused:
            raise LoginError(f"{_TOKEN}Failed", str(refused)) from refused

    async def _secret(self) -> str | None:
        found = await self._sandbox.control.call(
            "cognito-idp", "DescribeUserPoolClient", UserPoolId=self.pool, ClientId=self.client
        )
        secret: str | None = found["UserPoolClient"].get("ClientSecret")
        return secret

    async def user_info(self, access: str) -> bytes:
        """``/oauth2/userInfo`` of its domain."""
        try:
            return json.dumps(await self._sandbox.control.user_pools.user_info(self.pool, access)).encode()
        except OauthError as refused:
            raise LoginError(f"{_USER}Failed", str(refused)) from refused


class OidcProvider:
    """Any provider, over HTTP. AWS's names are the sandbox's own."""

    def __init__(self, sandbox: Sandbox, config: Document) -> None:
        self._sandbox = sandbox
        self._config = config
        self.client = str(config["ClientId"])
        self.issuer = str(config["Issuer"])

    async def tokens(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The client's secret goes in the form (UNSOURCED; the other way is HTTP Basic)."""
        whole = {**form, "client_id": self.client, "client_secret": self._config["ClientSecret"]}
        body = await self._ask("POST", self._config["TokenEndpoint"], _TOKEN, data=whole)
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise LoginError("AuthInvalidTokenResponse", str(error)) from error
        if not isinstance(answer, dict):
            raise LoginError("AuthInvalidTokenResponse", "no JSON object")
        return answer

    async def user_info(self, access: str) -> bytes:
        """With the access token as a bearer token."""
        bearer = {"authorization": f"Bearer {access}"}
        return await self._ask("GET", self._config["UserInfoEndpoint"], _USER, headers=bearer)

    async def _ask(
        self, method: str, url: str, kind: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> bytes:
        """The body of a 2xx answer."""
        import httpx  # only those with foreign providers wait for its import

        address, host = reachable(url, self._sandbox.endpoint)
        own = {"host": host, "accept": "application/json", **(headers or {})}
        limit = float(self._sandbox.limits.value("alb.auth.endpoint_timeout"))
        try:
            async with (
                asyncio.timeout(limit),
                httpx.AsyncClient(timeout=None, trust_env=False, verify=public_authorities()) as client,
            ):
                response = await client.request(method, address, headers=own, **more)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as failure:
            raise LoginError(f"{kind}Timeout", f"{url}: {failure or 'no answer in time'}") from failure
        if not response.is_success:
            raise LoginError(f"{kind}Failed", f"{url} answered {response.status_code}")
        return response.content


def of_action(sandbox: Sandbox, action: Document) -> Provider:
    """The provider that an authentication action names."""
    if action["Type"] == "authenticate-cognito":
        return CognitoProvider(sandbox, action["AuthenticateCognitoConfig"])
    return OidcProvider(sandbox, action["AuthenticateOidcConfig"])
