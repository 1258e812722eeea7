"""Targets of every kind: TLS, HTTP/2, gRPC, instances; and which requests may go to which (464)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
import httpx
import pytest
import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.front.test_http2_rules import DataFrame, HeadersFrame, Peer, SettingsFrame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class App:
    """An ASGI application before hypercorn: HTTP/1.1 and HTTP/2, with or without TLS. ``seen``: the scopes."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.checks: list[Any] = []
        self.bodies: list[bytes] = []
        self.health: dict[str, Any] = {"status": 200}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        if headers.get(b"user-agent") == b"ELB-HealthChecker/2.0":
            self.checks.append(scope)
            await self.answer_check(send)
            return
        self.seen.append(scope)
        self.bodies.append(body)
        await self.answer(scope, send)

    async def answer_check(self, send: Any) -> None:
        await send({"type": "http.response.start", "headers": [], **self.health})
        await send({"type": "http.response.body", "body": b""})

    async def answer(self, scope: Any, send: Any) -> None:
        """Three events, a second apart."""
        head = [(b"content-type", b"text/event-stream"), (b"server", b"app")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        for number in range(3):
            await asyncio.sleep(1)
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class GrpcApp(App):
    """A streaming call of gRPC; health checks are answered with ``Unimplemented``, as by a server without them."""

    async def answer_check(self, send: Any) -> None:
        head = [(b"content-type", b"application/grpc"), (b"grpc-status", b"12")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b""})

    async def answer(self, scope: Any, send: Any) -> None:
        head = [(b"content-type", b"application/grpc")]
        if scope["path"] == "/chat.Chat/Fail":  # a single frame of headers
            head += [(b"grpc-status", b"8"), (b"grpc-message", b"no")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.start", "status": 200, "headers": head, "trailers": True})
        for number in range(3):
            await asyncio.sleep(1)
            await send({"type": "http.response.body", "body": bytes(5) + b"%d" % number, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        await send({"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]})


@asynccontextmanager
async def serving(app: App, *, tls: bool = False) -> AsyncIterator[int]:
    """The port of an application."""
    config, over = Config(), asyncio.Event()
    config.include_date_header = False
    config.errorlog = None
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config.bind = [f"fd://{listening.detach()}"]
    if tls:
        certificate = trustme.CA().issue_cert("somebody.else.example")  # nobody looks at it
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        context.set_alpn_protocols(["h2", "http/1.1"])
        config.create_ssl_context = lambda: context  # type: ignore[method-assign]
        config.certfile = config.keyfile = "given"
    task = asyncio.get_running_loop().create_task(serve(app, config, shutdown_trigger=over.wait))
    await asyncio.sleep(0)
    try:
        yield port
    finally:
        over.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def behind(world: Any, port: int, **options: Any) -> Any:
    """A target group with one target, which the listener forwards to from now on."""
    given = {"Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1", "TargetType": "ip", **options}
    made = await world.aws("CreateTargetGroup", Name="kinds", **given)
    arn = made["TargetGroups"][0]["TargetGroupArn"]
    await world.aws("RegisterTargets", TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1", "Port": port}])
    forward = [{"Type": "forward", "TargetGroupArn": arn}]
    await world.aws("ModifyListener", ListenerArn=world.listener, DefaultActions=forward)
    return world.sandbox.control.load_balancing.target_groups[arn]


async def state(world: Any, group: Any, wanted: str) -> None:
    changes = world.sandbox.control.load_balancing.changes
    async with asyncio.timeout(300):
        await changes.until(lambda: all(t.state == wanted for t in group.targets.values()))


async def events(world: Any, **options: Any) -> tuple[int, list[float], bytes]:
    start, instants, body = world.clock.now(), [], b""
    async with world.http.stream("POST", "/ask?a=1", content=b"why", **options) as answer:
        async for piece in answer.aiter_raw():
            instants.append(round(world.clock.now() - start, 6))
            body += piece
    return answer.status_code, instants, body


STREAM = (200, [1, 2, 3], b"data: 0\n\ndata: 1\n\ndata: 2\n\n")


@pytest.mark.fact("7.10")
def test_a_target_behind_tls_streams_and_is_checked_over_tls(play: Any) -> None:
    app = App()

    async def main(world: Any) -> Any:
        async with serving(app, tls=True) as port:
            group = await behind(world, port, Protocol="HTTPS", HealthCheckProtocol="HTTPS")
            await state(world, group, "healthy")
            return [await events(world), await events(world)]

    assert play(main) == [STREAM, STREAM]
    assert {(scope["scheme"], scope["http_version"]) for scope in app.seen + app.checks} == {("https", "1.1")}
    assert app.bodies == [b"why", b"why"]
    assert len({scope["client"] for scope in app.seen}) == 1  # one connection


@pytest.mark.fact("7.3", "7.5")
@pytest.mark.parametrize(("says", "status"), [(b"no TLS at all\r\n", 502), (b"", 504)])
def test_tls_that_fails_is_502_and_tls_that_does_not_come_is_504(play: Any, says: bytes, status: int) -> None:
    async def main(world: Any) -> Any:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(says)
            await asyncio.sleep(100)

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        await behind(world, server.sockets[0].getsockname()[1], Protocol="HTTPS")
        start = world.clock.now()
        answered = await world.http.get("/")
        server.close()
        return answered.status_code, round(world.clock.now() - start, 6)

    assert play(main) == (status, 0 if says else 10)


@pytest.mark.fact("7.10")
@pytest.mark.parametrize("tls", [False, True])
def test_a_target_of_http2_streams_many_requests_on_one_connection(play: Any, tls: bool) -> None:
    app = App()

    async def main(world: Any) -> Any:
        async with serving(app, tls=tls) as port:
            protocol = {"Protocol": "HTTPS", "HealthCheckProtocol": "HTTPS"} if tls else {}
            group = await behind(world, port, ProtocolVersion="HTTP2", **protocol)
            await state(world, group, "healthy")
            first = await events(world, headers={"te": "trailers"})
            return [first, *await asyncio.gather(*(events(world) for _ in range(5)))]

    assert play(main, http2=True) == [STREAM] * 6
    assert {scope["http_version"] for scope in app.seen + app.checks} == {"2"}
    assert len({scope["client"] for scope in app.seen}) == 1
    headers = dict(app.seen[0]["headers"])
    assert headers[b"x-forwarded-for"] == b"127.0.0.1"
    assert headers[b"host"] == b"lb-1.us-east-1.elb.amazonaws.com"
    assert app.seen[0]["query_string"] == b"a=1"


def test_large_bodies_pass_http2_both_ways(play: Any) -> None:
    class Echo(App):
        async def answer(self, scope: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": self.bodies[-1]})

    async def main(world: Any) -> Any:
        async with serving(Echo()) as port:
            await behind(world, port, ProtocolVersion="HTTP2")
            body = bytes(range(256)) * 4000
            return (await world.http.post("/", content=body)).content == body

    assert play(main, http2=True)


def test_a_target_of_http2_that_resets_cuts_the_answer(play: Any) -> None:
    class Broken(App):
        async def answer(self, scope: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            await send({"type": "http.response.body", "body": b"four", "more_body": True})
            raise RuntimeError("a fault of the target")

    async def main(world: Any) -> Any:
        async with serving(Broken()) as port:
            await behind(world, port, ProtocolVersion="HTTP2")
            with pytest.raises(httpx.RemoteProtocolError):
                await world.http.get("/")
        return [e[1]["error"] for e in world.events("response_cut")]

    assert play(main, http2=True)


@pytest.mark.fact("7.1")
def test_silence_of_a_target_of_http2_is_504(play: Any) -> None:
    class Silent(App):
        async def answer(self, scope: Any, send: Any) -> None:
            await asyncio.sleep(1000)

    async def main(world: Any) -> Any:
        async with serving(Silent()) as port:
            await behind(world, port, ProtocolVersion="HTTP2")
            start = world.clock.now()
            answer = await world.http.get("/")
            return answer.status_code, round(world.clock.now() - start, 6)

    assert play(main, http2=True) == (504, 60)


@pytest.mark.fact("7.10")
def test_a_call_of_grpc_streams_and_ends_with_its_trailers(play: Any) -> None:
    app = GrpcApp()

    async def main(world: Any) -> Any:
        async with serving(app) as port:
            group = await behind(world, port, ProtocolVersion="GRPC")
            await state(world, group, "healthy")
            reader, writer = await asyncio.open_connection("127.0.0.1", world.sandbox.settings.port)
            peer = Peer(reader, writer)
            head = [
                (":method", "POST"), (":scheme", "http"), (":path", "/chat.Chat/Ask"),
                (":authority", world.http.headers["host"]),
                ("content-type", "application/grpc"), ("te", "trailers"),
            ]  # fmt: skip
            failing = [(k, "/chat.Chat/Fail" if k == ":path" else v) for k, v in head]
            peer.send(PREFACE, SettingsFrame(0), peer.headers(failing, 3, end=False))
            peer.send(DataFrame(3, bytes(5), flags=["END_STREAM"]))
            frames = [await peer.until(HeadersFrame), await peer.until(HeadersFrame)]
            first, last = (dict(peer.decoder.decode(frame.data)) for frame in frames)
            failed = (first.get("grpc-status"), last, "END_STREAM" in frames[1].flags)
            start = world.clock.now()
            peer.send(peer.headers(head, 5, end=False))
            peer.send(DataFrame(5, bytes(5), flags=["END_STREAM"]))
            came: list[Any] = [failed]
            while len(came) < 2 or "END_STREAM" not in peer.frames[-1].flags:
                frame = await peer.read()
                if isinstance(frame, HeadersFrame):
                    told = dict(peer.decoder.decode(frame.data))
                    came.append({k: v for k, v in told.items() if k in (":status", "grpc-status")})
                elif isinstance(frame, DataFrame) and frame.data:
                    came.append((round(world.clock.now() - start, 6), frame.data[5:]))
            writer.close()
            return came

    assert play(main) == [
        (None, {"grpc-status": "8", "grpc-message": "no"}, True),
        {":status": "200"}, (1, b"0"), (2, b"1"), (3, b"2"), {"grpc-status": "0"},
    ]  # fmt: skip
    assert app.bodies == [bytes(5)] * 2
    assert dict(app.seen[0]["headers"])[b"te"] == b"trailers"
    check = app.checks[0]
    assert (check["method"], check["path"]) == ("POST", "/AWS.ALB/healthcheck")


@pytest.mark.parametrize(
    ("head", "matcher", "reason"),
    [
        ([(b"grpc-status", b"12")], "0", "Target.ResponseCodeMismatch"),
        ([(b"grpc-status", b"0")], "0", None),
        ([], "0-99", "Target.FailedHealthChecks"),  # an answer that is none of gRPC's
    ],
)
def test_a_check_of_grpc_looks_at_its_own_status(
    play: Any, head: Any, matcher: str, reason: str | None
) -> None:
    class Checked(GrpcApp):
        async def answer_check(self, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": b""})

    async def main(world: Any) -> Any:
        async with serving(Checked()) as port:
            group = await behind(world, port, ProtocolVersion="GRPC", Matcher={"GrpcCode": matcher})
            await state(world, group, "unhealthy" if reason else "healthy")
            [target] = group.targets.values()
            return target.reason

    assert play(main) == reason


@pytest.mark.fact("7.6")
@pytest.mark.parametrize(
    ("version", "http2", "method", "headers", "status"),
    [
        ("HTTP2", False, "POST", {}, 464),
        ("GRPC", False, "POST", {}, 464),
        ("GRPC", True, "GET", {}, 464),
        ("HTTP1", True, "POST", {"content-type": "application/grpc"}, 464),
        ("GRPC", True, "POST", {}, 503),
        ("HTTP2", True, "GET", {}, 503),
        ("HTTP1", True, "POST", {}, 503),
    ],
)
def test_a_version_that_does_not_fit_is_464(
    play: Any, version: str, http2: bool, method: str, headers: Any, status: int
) -> None:
    async def main(world: Any) -> Any:
        group = await behind(world, 9, ProtocolVersion=version)
        if status != 464:
            await world.aws(
                "DeregisterTargets", TargetGroupArn=group.arn, Targets=[{"Id": "127.0.0.1", "Port": 9}]
            )
        return (await world.http.request(method, "/", headers=headers)).status_code

    assert play(main, http2=http2) == status


# -- instances


@pytest.mark.fact("7.17")
def test_an_instance_is_the_program_that_its_tag_names(play: Any) -> None:
    async def main(world: Any) -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        ec2 = boto3.client("ec2", endpoint_url=world.sandbox.endpoint, **keys)
        elb = boto3.client("elbv2", endpoint_url=world.sandbox.endpoint, **keys)
        port = world.servers[0].port

        def prepare() -> Any:
            tags = [{"Key": "sandbox:address", "Value": "127.0.0.1"}]
            image = ec2.describe_images()["Images"][0]["ImageId"]
            made = ec2.run_instances(
                ImageId=image, MinCount=2, MaxCount=2, InstanceType="t3.micro",
                TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
            )  # fmt: skip
            one, other = (instance["InstanceId"] for instance in made["Instances"])
            ec2.delete_tags(Resources=[other], Tags=tags)
            group = elb.create_target_group(Name="machines", Protocol="HTTP", Port=port, VpcId="vpc-1")
            arn = group["TargetGroups"][0]["TargetGroupArn"]
            elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": one}, {"Id": other}])
            with pytest.raises(elb.exceptions.InvalidTargetException) as refused:
                elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "i-0123456789abcdef0"}])
            forward = [{"Type": "forward", "TargetGroupArn": arn}]
            elb.modify_listener(ListenerArn=world.listener, DefaultActions=forward)
            return arn, one, other, str(refused.value)

        arn, one, other, refusal = await asyncio.to_thread(prepare)

        async def health() -> dict[str, tuple[str, str | None]]:
            found = await asyncio.to_thread(lambda: elb.describe_target_health(TargetGroupArn=arn))
            return {
                told["Target"]["Id"]: (told["TargetHealth"]["State"], told["TargetHealth"].get("Reason"))
                for told in found["TargetHealthDescriptions"]
            }

        await asyncio.sleep(100)
        first = await health()
        answers = {(await world.http.get("/")).text for _ in range(4)}
        await asyncio.to_thread(lambda: ec2.stop_instances(InstanceIds=[one]))
        await asyncio.sleep(31)
        second = await health()
        nobody = (await world.http.get("/")).status_code
        return first[one], first[other], answers, second[one], nobody, refusal

    healthy, silent, answers, stopped, nobody, refusal = play(main)
    assert healthy == ("healthy", None)
    assert silent == ("unhealthy", "Target.FailedHealthChecks")
    assert answers == {"hello"}
    assert stopped == ("unused", "Target.InvalidState")
    assert nobody == 502  # the one that is left has no program, and the load balancer fails open
    assert "not in a running state" in refusal
