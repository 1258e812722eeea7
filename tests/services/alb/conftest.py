"""A sandbox on virtual time with a load balancer before scripted targets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.context import Sandbox
from sandbox.control.elbv2 import LoadBalancer, TargetGroup
from sandbox.control.shims.elbv2 import attributes

Script = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]
NAME = "lb-1.us-east-1.elb.amazonaws.com"
LB = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/lb/1"


@dataclass
class Request:
    """What a target got. ``headers``: names in lower case."""

    line: str
    headers: dict[str, str]
    raw: bytes
    body: bytes
    reader: asyncio.StreamReader


@dataclass
class TargetServer:
    """A server with a script; ``seen``: its requests. It answers health checks with 200 unless ``sick``."""

    script: Script
    seen: list[Request] = field(default_factory=list)
    connections: int = 0
    sick: bool = False
    checks: int = 0
    server: Any = None
    port: int = 0

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, *rest = head.decode("latin-1").split("\r\n")
                headers = {n.lower(): v for n, _, v in (x.partition(": ") for x in rest if x)}
                if headers.get("user-agent", "").startswith("ELB-HealthChecker"):
                    self.connections -= 1
                    self.checks += 1
                    status = b"500 No" if self.sick else b"200 OK"
                    writer.write(
                        b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    )
                    break
                body = await _body(reader, headers)
                request = Request(line, headers, head, body, reader)
                self.seen.append(request)
                await self.script(request, writer)
                await writer.drain()
                if writer.is_closing():
                    break
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "content-length" in headers and "expect-late" not in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("transfer-encoding") != "chunked":
        return b""
    parts = b""
    while size := int(await reader.readline(), 16):
        parts += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return parts


async def hello(request: Request, writer: asyncio.StreamWriter) -> None:
    """The plainest script."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: app\r\n\r\nhello")


@dataclass
class World:
    """The sandbox and its load balancer."""

    sandbox: Sandbox
    clock: Clock
    servers: list[TargetServer]
    group: TargetGroup
    balancer: LoadBalancer
    http: httpx.AsyncClient

    async def aws(self, operation: str, **params: Any) -> dict[str, Any]:
        """A call of Elastic Load Balancing's API."""
        return await self.sandbox.control.call("elbv2", operation, **params)

    @property
    def listener(self) -> str:
        """The ARN of the first listener."""
        return next(iter(self.balancer.listeners))

    async def set(self, **values: Any) -> None:
        """Attributes of the target group: ``stickiness__enabled="true"``."""
        wanted = [{"Key": k.replace("__", "."), "Value": str(v)} for k, v in values.items()]
        await self.aws("ModifyTargetGroupAttributes", TargetGroupArn=self.group.arn, Attributes=wanted)

    async def set_balancer(self, **values: Any) -> None:
        """Attributes of the load balancer."""
        wanted = [{"Key": k.replace("__", "."), "Value": str(v)} for k, v in values.items()]
        await self.aws("ModifyLoadBalancerAttributes", LoadBalancerArn=LB, Attributes=wanted)

    async def healthy(self) -> None:
        """Wait until every target is."""
        targets = self.group.targets
        changes = self.sandbox.control.load_balancing.changes
        await changes.until(lambda: all(t.state == "healthy" for t in targets.values()))

    def events(self, name: str) -> list[tuple[float, dict[str, Any]]]:
        """What the load balancer told, with instants from the start of the requests."""
        return [
            (round(e.at, 6), dict(e.data))
            for e in self.sandbox.timeline
            if (e.source, e.name) == ("alb", name)
        ]


async def add_group(world: World, name: str, servers: list[TargetServer], **options: Any) -> TargetGroup:
    """One more target group."""
    kind = options.setdefault("TargetType", "ip")
    basics = {} if kind == "lambda" else {"Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1"}
    made = await world.aws("CreateTargetGroup", Name=name, **basics, **options)
    arn = made["TargetGroups"][0]["TargetGroupArn"]
    if servers:
        targets = [{"Id": "127.0.0.1", "Port": server.port} for server in servers]
        await world.aws("RegisterTargets", TargetGroupArn=arn, Targets=targets)
    return world.sandbox.control.load_balancing.target_groups[arn]


@asynccontextmanager
async def balanced(
    clock: Clock, *scripts: Script, protocol: str = "HTTP", http2: bool = False, wait: bool = True
) -> AsyncIterator[World]:
    """A load balancer with one listener and one target group with a target for each script."""
    async with open_sandbox(clock) as sandbox:
        servers = [TargetServer(script) for script in scripts]
        for server in servers:
            await server.start()
        info = {
            "LoadBalancerArn": LB, "DNSName": NAME, "LoadBalancerName": "lb", "Scheme": "internet-facing",
            "VpcId": "vpc-1", "Type": "application", "AvailabilityZones": [], "SecurityGroups": [],
            "IpAddressType": "ipv4", "CanonicalHostedZoneId": "Z",
        }  # fmt: skip
        made = attributes.defaults(attributes.of_load_balancer(sandbox.limits, internal=False))
        balancer = LoadBalancer(LB, info, made, clock.utcnow())
        sandbox.control.load_balancing.load_balancers[LB] = balancer
        client = httpx.AsyncClient(
            base_url=sandbox.endpoint, headers={"host": NAME}, http1=not http2, http2=http2, timeout=None,
            trust_env=False,
        )  # fmt: skip
        world = World(sandbox, clock, servers, None, balancer, client)  # type: ignore[arg-type]
        try:
            with clock.in_flight("test"):
                world.group = await add_group(world, "main", servers)
                certificates = {"Certificates": [{"CertificateArn": "arn:c"}]} if protocol == "HTTPS" else {}
                await world.aws(
                    "CreateListener",
                    LoadBalancerArn=LB,
                    Protocol=protocol,
                    Port=443 if protocol == "HTTPS" else 80,
                    DefaultActions=[{"Type": "forward", "TargetGroupArn": world.group.arn}],
                    **certificates,
                )
                if wait:
                    await world.healthy()
                yield world
        finally:
            await client.aclose()
            for server in servers:
                server.server.close()


@pytest.fixture
def play() -> Callable[..., Any]:
    """``play(main, script, ...)``: run ``main(world)`` before targets with these scripts."""

    def start(main: Callable[[World], Awaitable[Any]], *scripts: Script, **options: Any) -> Any:
        async def whole(clock: Clock) -> Any:
            async with balanced(clock, *(scripts or (hello,)), **options) as world:
                return await main(world)

        return run(whole)

    start.hello = hello  # type: ignore[attr-defined]
    start.add_group = add_group  # type: ignore[attr-defined]
    start.NAME = NAME  # type: ignore[attr-defined]
    return start
