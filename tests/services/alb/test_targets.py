"""Which target gets a request, whether it is healthy, and how it leaves."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from sandbox.context import InvocationResult
from sandbox.services.alb import health


def named(name: str, seconds: float = 0) -> Any:
    """A target that answers with its name."""

    async def script(request: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        extra = b"Set-Cookie: SID=1; Path=/\r\n" if "/login" in request.line else b""
        head = b"HTTP/1.1 200 OK\r\n" + extra + b"Content-Length: %d\r\n\r\n" % len(name)
        writer.write(head + name.encode())

    return script


ABC = (named("a"), named("b"), named("c"))


async def asked(world: Any, count: int, **options: Any) -> str:
    return "".join([(await world.http.get("/", **options)).text for _ in range(count)])


@pytest.mark.fact("7.7")
def test_targets_take_turns(play: Any) -> None:
    async def main(world: Any) -> Any:
        return await asked(world, 7)

    assert play(main, *ABC) == "abcabca"


@pytest.mark.fact("7.7")
def test_the_one_with_the_fewest_requests_under_way_is_next(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.set(load_balancing__algorithm__type="least_outstanding_requests")
        long = asyncio.create_task(world.http.get("/"))  # to the slow one
        await asyncio.sleep(1)
        seen = await asked(world, 4)
        await long
        return seen

    assert play(main, named("s", 30), named("b")) == "bbbb"


@pytest.mark.fact("7.7")
def test_weighted_random_spreads(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.set(load_balancing__algorithm__type="weighted_random")
        return await asked(world, 60)

    seen = play(main, *ABC)
    assert min(Counter(seen).values()) > 8
    assert seen[:30] != "abc" * 10


@pytest.mark.fact("7.7")
def test_a_new_target_starts_slowly(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.set(slow_start__duration_seconds=100)
        first = Counter(await asked(world, 0))
        await asyncio.sleep(200)
        server = type(world.servers[0])(named("n"))
        await server.start()
        target = [{"Id": "127.0.0.1", "Port": server.port}]
        await world.aws("RegisterTargets", TargetGroupArn=world.group.arn, Targets=target)
        await world.healthy()
        await asyncio.sleep(25)
        early = Counter(await asked(world, 50))
        await asyncio.sleep(75)
        late = Counter(await asked(world, 50))
        server.server.close()
        return first, early["n"], late["n"]

    _, early, late = play(main, named("o"))
    assert (early, late) == (10, 25)  # a quarter of a share against a whole one, then as much as the other


@pytest.mark.fact("7.8")
def test_the_load_balancers_cookie_leads_back(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.set(stickiness__enabled="true", stickiness__lb_cookie__duration_seconds=100)
        first = await world.http.get("/")
        cookies = {c.split("=")[0]: c for c in first.headers.get_list("set-cookie")}
        value = cookies["AWSALB"].partition("=")[2].partition(";")[0]
        world.http.cookies.clear()
        with_cookie = await asked(world, 3, headers={"cookie": f"AWSALB={value}"})
        world.http.cookies.clear()
        raw = base64.b64decode(value + "=" * (-len(value) % 4))
        other = base64.b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode().rstrip("=")
        forged = await asked(world, 2, headers={"cookie": f"AWSALB={other}"})
        await asyncio.sleep(101)
        world.http.cookies.clear()
        stale = await asked(world, 2, headers={"cookie": f"AWSALB={value}"})
        return first.text, cookies, with_cookie, forged, stale

    first, cookies, with_cookie, forged, stale = play(main, *ABC)
    assert cookies.keys() == {"AWSALB", "AWSALBCORS"}
    assert "Path=/" in cookies["AWSALB"]
    assert "SameSite=None" in cookies["AWSALBCORS"]
    assert with_cookie == first * 3
    assert forged == "bc"
    assert stale != first * 2


@pytest.mark.fact("7.8")
def test_an_application_cookie_must_come_with_the_load_balancers(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.set(
            stickiness__enabled="true",
            stickiness__type="app_cookie",
            stickiness__app_cookie__cookie_name="SID",
        )
        plain = await world.http.get("/")
        login = await world.http.get("/login")
        names = [c.partition("=")[0] for c in login.headers.get_list("set-cookie")]
        value = login.cookies["AWSALBAPP-0"]
        world.http.cookies.clear()
        both = await asked(world, 3, headers={"cookie": f"SID=1; AWSALBAPP-0={value}"})
        one = await asked(world, 3, headers={"cookie": f"AWSALBAPP-0={value}"})
        return plain.headers.get_list("set-cookie"), names, login.text, both, one

    plain, names, login, both, one = play(main, *ABC)
    assert plain == []
    assert names == ["SID", "AWSALBAPP-0"]
    assert both == login * 3
    assert sorted(one) == ["a", "b", "c"]


@pytest.mark.fact("7.8")
def test_groups_share_by_weight_and_a_cookie_keeps_to_one(play: Any) -> None:
    async def main(world: Any) -> Any:
        other = await play.add_group(world, "other", [world.servers[1]])
        await world.aws(
            "DeregisterTargets", TargetGroupArn=world.group.arn,
            Targets=[{"Id": "127.0.0.1", "Port": world.servers[1].port}],
        )  # fmt: skip
        groups = [
            {"TargetGroupArn": world.group.arn, "Weight": 1}, {"TargetGroupArn": other.arn, "Weight": 3},
        ]  # fmt: skip
        forward: dict[str, Any] = {"TargetGroups": groups}
        action = [{"Type": "forward", "ForwardConfig": forward}]
        await world.aws("ModifyListener", ListenerArn=world.listener, DefaultActions=action)
        await asyncio.sleep(1)
        spread = Counter(await asked(world, 80))
        forward["TargetGroupStickinessConfig"] = {"Enabled": True, "DurationSeconds": 60}
        await world.aws("ModifyListener", ListenerArn=world.listener, DefaultActions=action)
        first = await world.http.get("/")
        kept = await asked(world, 10, headers={"cookie": f"AWSALBTG={first.cookies['AWSALBTG']}"})
        return spread, first.text, kept

    spread, first, kept = play(main, named("a"), named("b"))
    assert 45 < spread["b"] < 75
    assert kept == first * 10


# -- health


async def states(world: Any) -> list[tuple[float, str]]:
    return [(at, data["state"]) for at, data in world.events("target_health")]


def test_a_target_is_initial_until_one_check_succeeds(play: Any) -> None:
    async def main(world: Any) -> Any:
        found = await world.aws("DescribeTargetHealth", TargetGroupArn=world.group.arn)
        await world.healthy()
        return found["TargetHealthDescriptions"][0]["TargetHealth"], await states(world)

    health, seen = play(main, wait=False)
    assert (health["State"], health["Reason"]) == ("initial", "Elb.RegistrationInProgress")
    assert seen == [(0.1, "healthy")]


def test_a_target_that_never_comes_up_is_unhealthy(play: Any) -> None:
    async def main(world: Any) -> Any:
        await asyncio.sleep(5)
        world.servers[0].server.close()
        group = await play.add_group(world, "late", world.servers, HealthCheckIntervalSeconds=10)
        forward = [{"Type": "forward", "TargetGroupArn": group.arn}]
        await world.aws("ModifyListener", ListenerArn=world.listener, DefaultActions=forward)
        await asyncio.sleep(60)
        told = [(at, data["state"]) for at, data in world.events("target_health") if data["group"] == "late"]
        [target] = group.targets.values()
        return told, target.reason

    told, reason = play(main)
    # From 5.1 s on it is asked ever later (0.1 s, 0.3 s, ... 12.7 s), then once an interval: two failures count.
    assert told[-1] == (27.8, "unhealthy")
    assert "healthy" not in dict(told).values()
    assert reason == "Target.FailedHealthChecks"


@pytest.mark.parametrize(
    ("matcher", "status", "fits"),
    [
        ({"HttpCode": "200,202"}, 202, True),
        ({"HttpCode": "200,202"}, 201, False),
        ({"HttpCode": "200-204"}, 204, True),
        ({"HttpCode": "200-204"}, 205, False),
        ({"GrpcCode": "0"}, 0, True),
        ({"GrpcCode": "0"}, 200, False),
        ({}, 200, True),
    ],
)
def test_codes_that_a_matcher_takes(matcher: Any, status: int, fits: bool) -> None:
    assert health.matches(health.wanted(matcher), status) == fits


def test_thresholds_decide(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.aws(
            "ModifyTargetGroup", TargetGroupArn=world.group.arn, HealthCheckIntervalSeconds=10,
            HealthyThresholdCount=3, UnhealthyThresholdCount=2,
        )  # fmt: skip
        world.servers[0].sick = True
        await asyncio.sleep(55)
        found = await world.aws("DescribeTargetHealth", TargetGroupArn=world.group.arn)
        world.servers[0].sick = False
        await asyncio.sleep(60)
        return found["TargetHealthDescriptions"][0]["TargetHealth"], await states(world)

    health, seen = play(main)
    assert health == {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [500]",
    }
    assert seen == [(0.1, "healthy"), (40.1, "unhealthy"), (80.1, "healthy")]


def test_an_unhealthy_target_is_passed_over_unless_all_are(play: Any) -> None:
    async def main(world: Any) -> Any:
        world.servers[0].sick = True
        await asyncio.sleep(90)
        some = await asked(world, 3)
        world.servers[1].sick = True
        await asyncio.sleep(90)
        return some, await asked(world, 4)

    some, none = play(main, named("a"), named("b"))
    assert some == "bbb"
    assert sorted(none) == ["a", "a", "b", "b"]  # fail open


# -- leaving


@pytest.mark.fact("7.12")
def test_a_leaving_target_finishes_within_its_delay_and_is_cut_after_it(play: Any) -> None:
    async def stream(request: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(60):
            writer.write(b"1\r\n.\r\n")
            await asyncio.sleep(1)
        writer.write(b"0\r\n\r\n")

    async def main(world: Any) -> Any:
        await world.set(deregistration_delay__timeout_seconds=20)
        start = world.clock.now()

        async def listen() -> tuple[int, str, float]:
            async with world.http.stream("GET", "/") as response:
                size, end = 0, "ok"
                try:
                    async for piece in response.aiter_raw():
                        size += len(piece)
                except Exception:
                    end = "cut"
            return size, end, round(world.clock.now() - start, 6)

        listening = asyncio.create_task(listen())
        await asyncio.sleep(5)
        target = [{"Id": "127.0.0.1", "Port": world.servers[0].port}]
        await world.aws("DeregisterTargets", TargetGroupArn=world.group.arn, Targets=target)
        new = (await world.http.get("/")).status_code
        found = await world.aws("DescribeTargetHealth", TargetGroupArn=world.group.arn)
        return new, found["TargetHealthDescriptions"][0]["TargetHealth"]["State"], await listening

    assert play(main, stream) == (503, "draining", (25, "cut", 25))


@pytest.mark.fact("7.12")
def test_a_silent_request_to_a_target_whose_delay_is_over_is_502(play: Any) -> None:
    async def silent(request: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1000)

    async def main(world: Any) -> Any:
        await world.set(deregistration_delay__timeout_seconds=20)
        asking = asyncio.create_task(world.http.get("/"))
        await asyncio.sleep(5)
        target = [{"Id": "127.0.0.1", "Port": world.servers[0].port}]
        await world.aws("DeregisterTargets", TargetGroupArn=world.group.arn, Targets=target)
        return (await asking).status_code, round(world.clock.now(), 1)

    assert play(main, silent) == (502, 25.1)


# -- functions


@pytest.mark.fact("7.9")
def test_a_function_is_checked_by_invocations_when_that_is_asked_for(play: Any) -> None:
    async def main(world: Any) -> Any:
        events: list[Any] = []
        status = {"now": 200}

        async def invoke(invocation: Any) -> InvocationResult:
            events.append((round(world.clock.now(), 6), json.loads(invocation.payload)))
            answer = json.dumps({"statusCode": status["now"]}).encode()
            return InvocationResult(200, answer, None, "$LATEST", "r")

        world.sandbox.lambda_.invoke = invoke
        checked = {"HealthCheckEnabled": True, "HealthCheckPath": "/up", "UnhealthyThresholdCount": 2}
        group = await play.add_group(world, "checked", [], TargetType="lambda", **checked)
        function = "arn:aws:lambda:us-east-1:000000000000:function:f"
        await world.aws("RegisterTargets", TargetGroupArn=group.arn, Targets=[{"Id": function}])
        forward = [{"Type": "forward", "TargetGroupArn": group.arn}]
        await world.aws("ModifyListener", ListenerArn=world.listener, DefaultActions=forward)
        [target] = group.targets.values()
        seen = []
        for code in (200, 503, 503, 200):
            status["now"] = code
            await asyncio.sleep(35)
            seen.append((target.state, target.reason))
        return seen, [b[0] - a[0] for a, b in pairwise(events)], events[0][1], group.arn

    seen, gaps, event, arn = play(main)
    assert seen == [
        ("healthy", None),
        ("healthy", None),
        ("unhealthy", "Target.ResponseCodeMismatch"),
        ("unhealthy", "Target.ResponseCodeMismatch"),
    ]
    assert gaps == [35, 35, 35]
    assert event == {
        "requestContext": {"elb": {"targetGroupArn": arn}},
        "httpMethod": "GET",
        "path": "/up",
        "queryStringParameters": {},
        "headers": {"user-agent": "ELB-HealthChecker/2.0"},
        "body": "",
        "isBase64Encoded": False,
    }


@pytest.mark.fact("7.9")
@pytest.mark.parametrize("multi", [True, False])
def test_a_function_that_fails_its_check_is_unhealthy(play: Any, multi: bool) -> None:
    async def main(world: Any) -> Any:
        events: list[Any] = []

        async def invoke(invocation: Any) -> InvocationResult:
            events.append(json.loads(invocation.payload))
            answer = json.dumps({"statusCode": 200, "multiValueHeaders" if multi else "headers": {}}).encode()
            return InvocationResult(200, answer, "Unhandled" if len(events) > 1 else None, "$LATEST", "r")

        world.sandbox.lambda_.invoke = invoke
        checked = {"HealthCheckEnabled": True, "HealthCheckPath": "/up", "UnhealthyThresholdCount": 2}
        group = await play.add_group(world, "checked", [], TargetType="lambda", **checked)
        key = "lambda.multi_value_headers.enabled"
        wanted = [{"Key": key, "Value": str(multi).lower()}]
        await world.aws("ModifyTargetGroupAttributes", TargetGroupArn=group.arn, Attributes=wanted)
        function = "arn:aws:lambda:us-east-1:000000000000:function:f"
        await world.aws("RegisterTargets", TargetGroupArn=group.arn, Targets=[{"Id": function}])
        forward = [{"Type": "forward", "TargetGroupArn": group.arn}]
        await world.aws("ModifyListener", ListenerArn=world.listener, DefaultActions=forward)
        [target] = group.targets.values()
        seen = []
        for _ in range(3):
            await asyncio.sleep(35)
            seen.append((target.state, target.reason))
        return seen, events[0]

    seen, event = play(main)
    failed = ("unhealthy", "Target.FailedHealthChecks")
    assert seen == [("healthy", None), ("healthy", None), failed]  # one failure of two is not enough
    agent = ["ELB-HealthChecker/2.0"] if multi else "ELB-HealthChecker/2.0"
    assert event["multiValueHeaders" if multi else "headers"] == {"user-agent": agent}
    assert event["multiValueQueryStringParameters" if multi else "queryStringParameters"] == {}
