"""``TestInvokeMethod`` and ``TestInvokeAuthorizer``: what the management API asks the data plane of REST APIs to try.

The API is tried as it is now, deployed or not. Source: botocore's ``apigateway`` model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from sandbox.auth import Principal
from sandbox.control.resources import Method, RestApi, RestResource

Pairs = tuple[tuple[str, str], ...]
STAGE = "test-invoke-stage"  # recorded: the stage's name in events and ARNs of a test


@dataclass(frozen=True, slots=True)
class Simulated:
    """A request that is only simulated. ``path``: with its query; ``caller``: who asked for the test."""

    api: RestApi
    region: str
    path: str
    headers: Pairs
    body: bytes
    caller: Principal | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class MethodTest:
    """A method and the request to it."""

    request: Simulated
    resource: RestResource
    method: Method
    http_method: str


@dataclass(frozen=True, slots=True)
class MethodTested:
    """What came of it. ``status`` 0: a stream gave no headers in time (fact 1.32). ``latency``: milliseconds."""

    status: int
    headers: Pairs
    body: bytes
    log: str
    latency: int


@dataclass(frozen=True, slots=True)
class AuthorizerTest:
    """An authorizer, as ``GetAuthorizer`` gives it, and the request to it."""

    request: Simulated
    authorizer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuthorizerTested:
    """What came of it. ``status``: what a client would have got, 0 when it is let in. ``latency``: milliseconds."""

    status: int
    log: str
    latency: int
    principal_id: str | None = None
    policy: str | None = None
    claims: Mapping[str, str] | None = None


@runtime_checkable
class RestTests(Protocol):
    """The data plane of REST APIs, as far as it can be tried without a request over the network."""

    async def test_method(self, test: MethodTest) -> MethodTested:
        """Raises ``AwsError`` for what is not emulated."""
        ...

    async def test_authorizer(self, test: AuthorizerTest) -> AuthorizerTested:
        """Raises ``AwsError`` for what is not emulated."""
        ...
