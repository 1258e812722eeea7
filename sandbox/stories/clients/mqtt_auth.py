"""How an ``mqtt`` client shows who it is: SigV4 in the query, Cognito, a custom authorizer, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from pydantic import Discriminator, Field, Tag

from sandbox.stories.base import Strict
from sandbox.stories.clients.base import Stage, StoryFailedError
from sandbox.stories.clients.request import http_client
from sandbox.stories.clients.wire import Teller
from sandbox.stories.units import Duration

_SERVICE = "iotdevicegateway"


@dataclass(slots=True)
class Shown:
    """What goes on the request that connects, and into CONNECT."""

    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    username: str | None = None
    password: str | None = None


class SigV4Auth(Strict):
    """An access key signs; by default the sandbox's own."""

    kind: Literal["sigv4"]
    access_key: str = "test"
    secret_key: str = "test"
    token: str | None = None
    region: str | None = None
    age: Duration = Field(0.0, description="How long ago it was signed.")

    async def show(self, stage: Stage, host: str, teller: Teller) -> Shown:
        """The signed query; the session token is added after signing, as the IoT SDKs do."""
        keys = (stage.fill(self.access_key), stage.fill(self.secret_key))
        token = None if self.token is None else stage.fill(self.token)
        return Shown(_signed(stage, host, keys, token, self.region or stage.region, self.age))


class CognitoAuth(Strict):
    """Credentials of a Cognito identity; without a login those of a guest."""

    kind: Literal["cognito"]
    pool: str = Field(description="The identity pool's id.")
    provider: str | None = Field(None, description="As cognito-idp.<region>.amazonaws.com/<user pool>.")
    login: str | None = Field(None, description="The id token of the user pool.")
    wait: Duration = Field(0.0, description="From the credentials to the connection.")

    async def show(self, stage: Stage, host: str, teller: Teller) -> Shown:
        """GetId, GetCredentialsForIdentity, then SigV4."""
        provider, login = stage.fill(self.provider or ""), stage.fill(self.login or "")
        logins = {"Logins": {provider: login}} if provider else {}
        identity = await _ask(stage, teller, "GetId", {"IdentityPoolId": stage.fill(self.pool), **logins})
        asked = {"IdentityId": identity["IdentityId"], **logins}
        keys = (await _ask(stage, teller, "GetCredentialsForIdentity", asked))["Credentials"]
        await asyncio.sleep(self.wait)
        pair = (keys["AccessKeyId"], keys["SecretKey"])
        return Shown(_signed(stage, host, pair, keys["SessionToken"], stage.region, 0.0))


class CustomAuth(Strict):
    """A custom authorizer."""

    kind: Literal["custom"]
    authorizer: str | None = Field(None, description="Its name; default: the account's default one.")
    token_key: str | None = None
    token: str | None = None
    signature: str | None = None
    where: Literal["query", "headers", "connect"] = "query"
    username: str | None = None
    password: str | None = None

    async def show(self, stage: Stage, host: str, teller: Teller) -> Shown:
        """Name, token and signature in the place that was chosen."""
        said = {
            "x-amz-customauthorizer-name": self.authorizer,
            self.token_key or "token": self.token,
            "x-amz-customauthorizer-signature": self.signature,
        }
        given = {name: stage.fill(value) for name, value in said.items() if value is not None}
        shown = Shown(username=self.username and stage.fill(self.username), password=self.password)
        if self.where == "query":
            shown.query = urlencode(given)
        elif self.where == "headers":
            shown.headers = given
        else:
            shown.username = f"{shown.username or ''}?{urlencode(given)}"
        return shown


class NoAuth(Strict):
    """No credentials."""

    kind: Literal["none"]

    async def show(self, stage: Stage, host: str, teller: Teller) -> Shown:
        """Nothing."""
        return Shown()


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value.get("kind", "") if isinstance(value, dict) else getattr(value, "kind", ""))


Auth = Annotated[
    Annotated[SigV4Auth, Tag("sigv4")]
    | Annotated[CognitoAuth, Tag("cognito")]
    | Annotated[CustomAuth, Tag("custom")]
    | Annotated[NoAuth, Tag("none")],
    Discriminator(_kind),
]


def _signed(
    stage: Stage, host: str, keys: tuple[str, str], token: str | None, region: str, age: float
) -> str:
    """The query of ``/mqtt`` as the IoT SDKs sign it, on the sandbox's date."""
    stamp = (stage.clock.utcnow() - timedelta(seconds=age)).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/{_SERVICE}/aws4_request"
    query = "&".join(
        f"{name}={quote(value, safe='-_.~')}"
        for name, value in (
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", f"{keys[0]}/{scope}"),
            ("X-Amz-Date", stamp),
            ("X-Amz-SignedHeaders", "host"),
        )
    )
    empty = hashlib.sha256(b"").hexdigest()
    canonical = f"GET\n/mqtt\n{query}\nhost:{host}\n\nhost\n{empty}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{keys[1]}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signed = f"{query}&X-Amz-Signature={hmac.digest(key, text.encode(), 'sha256').hex()}"
    return signed if token is None else f"{signed}&X-Amz-Security-Token={quote(token, safe='-_.~')}"


async def _ask(stage: Stage, teller: Teller, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """An operation of Cognito identity pools, which nobody signs."""
    url = f"{stage.endpoint}/"
    headers = {
        "x-amz-target": f"AWSCognitoIdentityService.{operation}",
        "content-type": "application/x-amz-json-1.1",
    }
    async with http_client(stage) as client:
        request = client.build_request("POST", url, content=json.dumps(params), headers=headers)
        request.extensions["story"] = (teller, None)
        answer = await client.send(request)
        teller.response_started(answer.status_code, dict(answer.headers))
        teller.completed()
    if answer.is_error:
        raise StoryFailedError(f"{operation} answered {answer.status_code}: {answer.text}")
    found: dict[str, Any] = answer.json()
    return found
