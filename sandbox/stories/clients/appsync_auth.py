"""How a client of AppSync shows who it is: an API key, a token, or a signature over what it asks."""

from __future__ import annotations

import base64
import json

from pydantic import Field, model_validator

from sandbox.stories.base import Strict
from sandbox.stories.clients.base import Stage
from sandbox.stories.clients.signing import Sign, Signature, signed_headers


class AppSyncAuth(Strict):
    """Exactly one of the three."""

    api_key: str | None = Field(None, description="x-api-key.")
    token: str | None = Field(
        None, description="Authorization: a token of a user pool, OpenID or an authorizer."
    )
    sign: Sign | None = Field(None, description="aws_iam: Signature Version 4.")

    @model_validator(mode="after")
    def _one(self) -> AppSyncAuth:
        if len(self.model_fields_set) != 1:
            raise ValueError("give exactly one of api_key, token, sign")
        return self

    def headers(self, stage: Stage, url: str, body: str) -> dict[str, str]:
        """The headers of a POST of ``body`` to ``url``; on a WebSocket they go in an object, as Amplify sends it."""
        host = url.partition("://")[2].partition("/")[0]
        if self.api_key is not None:
            return {"host": host, "x-api-key": stage.fill(self.api_key)}
        if self.token is not None:
            return {"host": host, "Authorization": stage.fill(self.token)}
        kind = {"accept": "application/json, text/javascript", "content-encoding": "amz-1.0"}
        kind["content-type"] = "application/json; charset=UTF-8"
        how = self.sign if isinstance(self.sign, Signature) else Signature()
        how = how.model_copy(update={"service": "appsync"})
        return {"host": host, **kind, **signed_headers("POST", url, how, stage.region, kind, body.encode())}


def as_subprotocol(headers: dict[str, str]) -> str:
    """The header object as Amplify puts it among the subprotocols."""
    text = base64.urlsafe_b64encode(json.dumps(headers).encode()).decode()
    return "header-" + text.rstrip("=")


def compact(value: object) -> str:
    """JSON as JavaScript writes it: what a signature covers must be the same text on both sides."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
