"""Services: as many tasks as are wanted, new ones for old, and what happens when they do not come up."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from sandbox.control.elbv2 import LoadBalancer
from sandbox.control.shims.elbv2 import attributes

WAIT = "import time; print('up'); time.sleep(100000)"
SERVER = (
    "import http.server, socketserver\n"
    "http.server.HTTPServer.server_bind = socketserver.TCPServer.server_bind\n"  # else it asks for its name
    "class H(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(STATUS); self.end_headers()\n"
    "    def log_message(self, *_): pass\n"
    "http.server.ThreadingHTTPServer(('', 8080), H).serve_forever()"
)
LB = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/lb/1"


def server(status: str = "200", **more: Any) -> dict[str, Any]:
    return {"code": SERVER.replace("STATUS", status), "portMappings": [{"containerPort": 8080}], **more}


async def behind(world: Any, **health: Any) -> list[dict[str, Any]]:
    """``loadBalancers`` of a service: a target group of a load balancer."""
    sandbox, call = world.sandbox, world.sandbox.control.call
    info = {"LoadBalancerArn": LB, "LoadBalancerName": "lb", "DNSName": "lb-1.us-east-1.elb.amazonaws.com"}
    made = attributes.defaults(attributes.of_load_balancer(sandbox.limits, internal=False))
    sandbox.control.load_balancing.load_balancers[LB] = LoadBalancer(LB, info, made, world.clock.utcnow())
    basics = {"Protocol": "HTTP", "Port": 8080, "VpcId": "vpc-1", "TargetType": "ip"}
    group = await call("elbv2", "CreateTargetGroup", Name="g", **basics, **health)
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "20"}]
    await call("elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=arn, Attributes=delay)
    action = [{"Type": "forward", "TargetGroupArn": arn}]
    await call("elbv2", "CreateListener", LoadBalancerArn=LB, Protocol="HTTP", Port=80, DefaultActions=action)
    return [{"targetGroupArn": arn, "containerName": "app", "containerPort": 8080}]


def messages(service: Any) -> list[str]:
    """Event messages, oldest first, without what is random."""
    return [event["message"].partition(") ")[2] for event in reversed(service.events)]


def test_as_many_tasks_as_wanted(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        service = await world.service(await world.define({"code": WAIT}), 3)
        await world.until(lambda: service.stable)
        three = len(world.running())
        await world.aws("UpdateService", service="svc", desiredCount=1)
        await world.until(lambda: len(world.running()) == 1)
        await world.until(lambda: service.stable)
        shown = (await world.aws("DescribeServices", services=["svc"]))["services"][0]
        return three, shown, messages(service)

    three, shown, told = ecs(main)
    assert three == 3
    assert (shown["runningCount"], shown["desiredCount"], shown["pendingCount"]) == (1, 1, 0)
    assert [d["rolloutState"] for d in shown["deployments"]] == ["COMPLETED"]
    assert told[0].startswith("has started 3 tasks: (task ")
    assert "has reached a steady state." in told


def test_a_task_that_crashes_is_replaced(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        service = await world.service(await world.define({"code": WAIT}), 2)
        await world.until(lambda: service.stable)
        await asyncio.sleep(1)
        first = world.running()
        victim = next(p for p in world.clock.watched() if os.getpgid(p) == p)
        os.kill(victim, signal.SIGKILL)
        await world.until(lambda: any(task.over for task in first))
        await world.until(lambda: len(world.running()) == 2)
        dead = next(task for task in first if task.over)
        return dead.containers[0].exit_code, dead.stopped_reason, service.primary.failed

    assert ecs(main) == (137, "Essential container in task exited", 0)


def test_a_rolling_update_keeps_the_old_tasks_until_the_new_ones_are_healthy(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        balancers = await behind(world)
        service = await world.service(await world.define(server()), 2, loadBalancers=balancers)
        await world.until(lambda: service.stable)
        old, begun = world.running(), world.clock.now()
        most = least = 2
        health = world.sandbox.control.load_balancing.target_groups[balancers[0]["targetGroupArn"]].targets

        def count() -> None:
            nonlocal most, least
            most = max(most, len(world.running()))
            least = min(least, sum(t.state == "healthy" for t in health.values()))

        world.sandbox.control.load_balancing.changes.listen(count)
        await world.aws("UpdateService", service="svc", taskDefinition=await world.define(server()))
        states = [d.status for d in service.deployments]
        await world.until(lambda: service.stable)
        ended = round(world.clock.now() - begun, 6)
        return states, most, least, [t.stopped_reason for t in old], ended, len(health), len(world.running())

    states, most, least, reasons, ended, targets, running = ecs(main)
    assert states == ["PRIMARY", "ACTIVE"]
    assert (most, least, targets, running) == (4, 2, 2, 2)
    assert all(reason.startswith("Scaling activity initiated by (deployment ecs-svc/") for reason in reasons)
    assert ended == 20.1  # healthy at once, then the deregistration delay


def test_a_lower_minimum_lets_the_old_ones_go_first(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        settings = {"maximumPercent": 100, "minimumHealthyPercent": 0}
        service = await world.service(await world.define({"code": WAIT}), 2, deploymentConfiguration=settings)
        await world.until(lambda: service.stable)
        most = 0

        def count() -> None:
            nonlocal most
            tasks = world.sandbox.control.containers.tasks.values()
            most = max(most, sum(task.wanted for task in tasks))

        world.sandbox.control.containers.changes.listen(count)
        await world.aws("UpdateService", service="svc", forceNewDeployment=True)
        await world.until(lambda: service.stable)
        return most

    assert ecs(main) == 2


def test_a_target_that_becomes_unhealthy_is_replaced(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        balancers = await behind(world, HealthCheckIntervalSeconds=10)
        flag = "200 if __import__('time').time() < START + 60 else 500"
        code = server(flag)
        code["code"] = "import time; START = time.time()\n" + code["code"]
        service = await world.service(await world.define(code), 1, loadBalancers=balancers)
        await world.until(lambda: service.stable)
        [first] = world.running()
        await world.until(lambda: not first.wanted)
        return first.stopped_reason.partition(" in ")[0], round(world.clock.now(), 1), messages(service)

    reason, at, told = ecs(main)
    assert reason == "Task failed ELB health checks"
    assert at == 70.1
    [message] = [one for one in told if one.startswith("(port 8080) is unhealthy in (target-group arn:")]
    assert message.endswith("due to (reason Health checks failed with these codes: [500])")


def test_an_unhealthy_container_is_replaced(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        check = {"command": ["CMD-SHELL", "exit 1"], "interval": 5, "retries": 3, "startPeriod": 12}
        await world.service(await world.define({"code": WAIT, "healthCheck": check}))
        await asyncio.sleep(0)
        await world.until(lambda: bool(world.running()))
        [first] = world.running()
        await world.until(lambda: not first.wanted)
        return first.stopped_reason, round(world.clock.now(), 6)

    assert ecs(main) == ("Task failed container health checks", 25)


def test_the_circuit_breaker_rolls_back(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        settings = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
        good = await world.define({"code": WAIT})
        service = await world.service(good, 1, deploymentConfiguration=settings)
        await world.until(lambda: service.stable)
        bad = await world.define({"code": "raise SystemExit(1)"})
        await world.aws("UpdateService", service="svc", taskDefinition=bad)
        await world.until(lambda: service.stable)
        return service.primary.definition.arn == good, len(world.running()), messages(service)

    back, running, told = ecs(main)
    assert (back, running) == (True, 1)
    assert any("deployment failed: tasks failed to start." in message for message in told)
    assert any(message.startswith("rolling back to (deployment ") for message in told)


def test_a_service_that_cannot_start_tasks_tries_ever_more_seldom(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        service = await world.service(await world.define({"code": "raise SystemExit(1)"}))
        await asyncio.sleep(200)
        started = [e.at for e in world.sandbox.timeline if e.name == "task_started"]
        return [round(at) for at in started], messages(service)

    started, told = ecs(main)
    assert started[:3] == [0, 0, 0]
    assert started[3:] == [30, 90]
    assert "is unable to consistently start tasks successfully." in told


def test_a_deleted_service_drains(ecs: Any) -> None:
    async def main(world: Any) -> Any:
        balancers = await behind(world)
        service = await world.service(await world.define(server()), 1, loadBalancers=balancers)
        await world.until(lambda: service.stable)
        begun = world.clock.now()
        deleted = await world.aws("DeleteService", service="svc", force=True)
        await world.until(lambda: service.status == "INACTIVE")
        return deleted["service"]["status"], round(world.clock.now() - begun, 6), len(world.running())

    assert ecs(main) == ("DRAINING", 20, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"containerName": "other"}, "The container other does not exist in the task definition."),
        ({"containerPort": 81}, "The container app did not have a container port 81 defined."),
        ({"targetGroupArn": "arn:gone"}, "The target group with targetGroupArn arn:gone does not exist."),
    ],
)
def test_load_balancers_that_do_not_fit_are_refused(ecs: Any, change: Any, words: str) -> None:
    from sandbox.aws.errors import AwsError

    async def main(world: Any) -> Any:
        balancers = [{**(await behind(world))[0], **change}]
        definition = await world.define(server())
        with pytest.raises(AwsError) as refused:
            await world.service(definition, loadBalancers=balancers)
        return refused.value.code, refused.value.message

    assert ecs(main) == ("InvalidParameterException", words)
