"""A request on its way through the gateway: what is known about it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from sandbox.auth import Principal, SignedRequest
from sandbox.context import Sandbox, Scope
from sandbox.services.exchange import Exchange

if TYPE_CHECKING:
    from sandbox.control.resources import V2Api, V2Integration, V2Route

Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class Answer:
    """What an integration answered."""

    status: int
    headers: Pairs
    body: bytes


@dataclass(slots=True)
class Call:
    """One request. The steps fill it in from top to bottom.

    ``jwt``: the claims of a token that a JWT authorizer took; ``context``: what a Lambda authorizer gave.
    """

    sandbox: Sandbox
    exchange: Exchange
    scope: Scope
    api_id: str
    region: str
    request_id: str  # also apigw-requestid
    trace_id: str
    source_ip: str
    raw_path: str  # as sent, with the stage
    at_ms: int
    signed: SignedRequest = field(init=False)
    stage: str = "$default"
    path: str = "/"  # as sent, without the stage
    api: V2Api = field(init=False)
    route: V2Route = field(init=False)
    integration: V2Integration = field(init=False)
    path_parameters: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    principal: Principal | None = None
    jwt: Mapping[str, Any] | None = None
    jwt_scopes: list[str] | None = None
    lambda_context: dict[str, Any] | None = None
    principal_id: str | None = None

    @property
    def method(self) -> str:
        """The request's method."""
        return str(self.scope["method"])

    @property
    def domain(self) -> str:
        """The API's name in AWS's form."""
        return f"{self.api_id}.execute-api.{self.region}.amazonaws.com"

    @property
    def shown_path(self) -> str:
        """The path as events show it: decoded, with a named stage (as users of HTTP APIs report)."""
        return unquote(self.raw_path)

    @property
    def at(self) -> datetime:
        """When the request came."""
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)

    @property
    def time(self) -> str:
        """``12/Mar/2020:19:03:58 +0000``."""
        return f"{self.at:%d/%b/%Y:%H:%M:%S +0000}"

    def header(self, name: str) -> str | None:
        """A request header by its lower-case name."""
        return self.signed.header(name)

    def query(self) -> list[tuple[str, str]]:
        """The query's parameters, decoded, in order."""
        return parse_qsl(self.signed.query, keep_blank_values=True)

    def arn(self) -> str:
        """The route as IAM and resource policies name it: ``.../abc/$default/GET/chat``, or ``.../$default``."""
        account = self.sandbox.settings.account
        where = "$default"
        if self.route.key != "$default":
            where = self.method + self.route.key.partition(" ")[2]
        return f"arn:aws:execute-api:{self.region}:{account}:{self.api_id}/{self.stage}/{where}"
