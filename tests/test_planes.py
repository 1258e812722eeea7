"""Data planes that are made when they are first wanted."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.app import open_sandbox
from sandbox.clock import Clock
from sandbox.clock import run as run_clock
from sandbox.context import Address, Sandbox, Service
from sandbox.planes import Services, Signs
from sandbox.services.registry import SERVICES, load

HOSTS = (
    *("localhost", "127.0.0.1", "::1", "sandbox", "", "stream.example.com", "10.0.0.7"),
    *("abc123.execute-api.us-east-1.amazonaws.com", "abc123.execute-api.localhost"),
    *("abc123.lambda-url.eu-west-1.on.aws", "abc-123.lambda-url.localhost"),
    *("abc.appsync-api.us-east-1.amazonaws.com", "abc.appsync-realtime-api.us-east-1.amazonaws.com"),
    *("abc.appsync-api.localhost", "appsync.us-east-1.amazonaws.com"),
    *("a1b2-ats.iot.us-east-1.amazonaws.com", "a1b2.iot.localhost", "iot.us-east-1.amazonaws.com"),
    *("x.us-east-1.elb.amazonaws.com", "x.auth.us-east-1.amazoncognito.com", "api.openai.com"),
)
PATHS = (
    *("/", "/prod/x", "/graphql", "/graphql/", "/graphql/realtime", "/event", "/event/", "/event/realtime"),
    *("/mqtt", "/topics/a/b", "/2015-03-31/functions/f/invocations", "/_sandbox/status"),
)
HEADERS: tuple[Mapping[str, str], ...] = (
    {},
    {"upgrade": "websocket"},
    {"x-amz-customauthorizer-name": "a", "x-amz-customauthorizer-signature": "s"},
)
ADDRESSES = [
    Address(method, host, path, "", headers)
    for method, host, path, headers in itertools.product(("GET", "POST"), HOSTS, PATHS, HEADERS)
]
LATER = [name for name, plane in SERVICES.items() if plane.signs is not None]


class Plane:
    """Takes every address with its name in the host."""

    def __init__(self, name: str) -> None:
        self.name = name

    def match(self, address: Address) -> Mapping[str, str] | None:
        return {"who": self.name} if self.name in address.host else None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


def names(services: Services, address: Address) -> list[str]:
    return [service.name for service, _ in services.asked(address)]


@pytest.fixture
def sandbox() -> Sandbox:
    found: list[Sandbox] = []

    async def main(clock: Clock) -> None:
        async with open_sandbox(clock) as box:
            found.append(box)

    run_clock(main, "virtual")
    return found[0]


def test_whoever_takes_an_address_bears_its_sign(sandbox: Sandbox) -> None:
    seen: set[str] = set()
    for name in LATER:
        signs, service = SERVICES[name].signs, sandbox.services[name]
        assert signs is not None
        taken = [address for address in ADDRESSES if service.match(address) is not None]
        assert [address for address in taken if not signs.on(address)] == []
        seen |= {name} if taken else set()
    assert seen == set(LATER)


def test_the_first_address_with_a_sign_makes_a_plane_and_no_other_does(sandbox: Sandbox) -> None:
    made = {service.name for service in sandbox.services.running()}
    assert made == {"cognito", "alb", "ecs", "app_runner", "eks", "lambda", "event_sources"}
    assert list(sandbox.services) == list(SERVICES)
    address = Address("GET", "abc.lambda-url.localhost", "/", "", {})
    assert names(sandbox.services, address) == ["function_url"]
    assert {service.name for service in sandbox.services.running()} == made | {"function_url"}
    assert sandbox.services["function_url"] is next(sandbox.services.asked(address))[0]


def test_planes_are_asked_and_run_in_order_however_late_they_were_made() -> None:
    services, made = Services(), []

    def make(name: str) -> Service:
        made.append(name)
        return Plane(name)

    services.later("one", Signs("one"), lambda: make("one"))
    services["two"] = Plane("two")
    services.later("three", Signs("three", ("/3",)), lambda: make("three"))
    assert names(services, Address("GET", "two.x", "/", "", {})) == ["two"]
    assert names(services, Address("GET", "three.two", "/", "", {})) == ["two", "three"]
    assert names(services, Address("GET", "one.two.three", "/", "", {})) == ["one", "two", "three"]
    assert names(services, Address("GET", "two", "/3", "", {})) == ["two"]
    assert made == ["three", "one"]
    assert [service.name for service in services.running()] == ["one", "two", "three"]
    assert (len(services), "three" in services, services.get("four")) == (3, True, None)


def test_planes_are_imported_where_the_command_looks_for_them() -> None:
    load()
    for name in LATER:
        assert f"sandbox.services.{name}.service" in sys.modules


def test_what_few_sandboxes_need_is_not_imported_at_the_start() -> None:
    dear = (
        *("jwt", "cryptography", "moto", "boto3", "botocore", "sandbox.services.iot.broker"),
        *("sandbox.aws.appsync_js", "sandbox.control.appsync", "sandbox.control.shims.cognito_idp.state"),
    )
    program = f"import sandbox.app, mock_llm.app, sys; print([one for one in {dear!r} if one in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"
