"""A user pool with a client and a user, made by boto3."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from tests.control.helpers import Served

PASSWORD = "Correct-horse-1"
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


@dataclass
class Pool:
    """A pool, its client, and the boto3 client that made them."""

    served: Served
    idp: Any
    id: str
    client: str
    secret: str | None

    @property
    def issuer(self) -> str:
        return f"https://cognito-idp.us-east-1.amazonaws.com/{self.id}"

    def add_user(self, name: str = "ada", **attributes: str) -> None:
        self.idp.admin_create_user(
            UserPoolId=self.id,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": n, "Value": v} for n, v in attributes.items()],
        )
        self.idp.admin_set_user_password(UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True)

    def log_in(self, name: str = "ada", password: str = PASSWORD, **more: Any) -> dict[str, str]:
        answer = self.idp.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=self.client,
            AuthParameters={"USERNAME": name, "PASSWORD": password, **more},
        )
        result: dict[str, str] = answer["AuthenticationResult"]
        return result


def make_pool(served: Served, *, client: dict[str, Any] | None = None, **pool: Any) -> Pool:
    """A pool with one client that allows every login."""
    idp = served.client("cognito-idp")
    pool_id = idp.create_user_pool(PoolName="people", **pool)["UserPool"]["Id"]
    made = idp.create_user_pool_client(
        **{"UserPoolId": pool_id, "ClientName": "web", "ExplicitAuthFlows": FLOWS, **(client or {})}
    )["UserPoolClient"]
    return Pool(served, idp, pool_id, made["ClientId"], made.get("ClientSecret"))


def claims(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def header(token: str) -> dict[str, Any]:
    """A token's header."""
    head = token.split(".")[0]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return found
