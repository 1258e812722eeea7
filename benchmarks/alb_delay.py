"""On the real clock: what a load balancer adds to each token, with many streams at once. Three processes: the target,
whose tokens carry the instant at which they left, the sandbox, and the client; the same streams also go past the
load balancer."""

from __future__ import annotations

import asyncio
import json
import sys
from time import perf_counter

import sandbox.clock
from sandbox.app import open_sandbox
from sandbox.control.elbv2 import LoadBalancer
from sandbox.control.shims.elbv2 import attributes

STREAMS, TOKENS, RATE = 100, 60, 5
STAGGER = 0.037  # s between the starts, so that the streams' tokens do not fall on one instant
NAME = "bench-1.us-east-1.elb.amazonaws.com"
ARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/bench/1"


async def target() -> None:
    """Server-sent events on a fixed schedule; each says when it was written."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"ELB-HealthChecker" in await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        loop = asyncio.get_running_loop()
        start = loop.time()
        for n in range(TOKENS):
            await asyncio.sleep(start + (n + 1) / RATE - loop.time())
            data = b"data: %.9f\n\n" % perf_counter()
            writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        writer.write(b"0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def client(port: int, host: str) -> None:
    """All streams; prints the delays of their tokens as JSON."""
    delays: list[float] = []

    async def stream() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        seen = 0
        while seen < TOKENS and (line := await reader.readline()):
            if line.startswith(b"data: "):
                delays.append(perf_counter() - float(line[6:]))
                seen += 1
        writer.close()

    work = []
    for _ in range(STREAMS):
        work.append(asyncio.create_task(stream()))
        await asyncio.sleep(STAGGER)
    await asyncio.gather(*work)
    print(json.dumps(delays))


async def run(*arguments: str) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "benchmarks.alb_delay", *arguments)
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, limit=2**24)


async def measure(clock: sandbox.clock.Clock) -> dict[str, list[float]]:
    async with open_sandbox(clock) as box:
        serving = await run("target")
        assert serving.stdout is not None
        port = int(await serving.stdout.readline())
        await balance(box, port)
        found = {}
        try:
            for name, at in (("past it", port), ("through it", box.settings.port)):
                asking = await run("client", str(at), NAME)
                output, _ = await asking.communicate()
                found[name] = sorted(json.loads(output))
        finally:
            serving.kill()
            await serving.wait()
    return found


async def balance(box: sandbox.context.Sandbox, port: int) -> None:
    """A load balancer before the target."""
    info = {
        "LoadBalancerArn": ARN, "DNSName": NAME, "LoadBalancerName": "bench", "Scheme": "internet-facing",
        "VpcId": "vpc-1", "Type": "application", "AvailabilityZones": [], "SecurityGroups": [],
    }  # fmt: skip
    made = attributes.defaults(attributes.of_load_balancer(box.limits, internal=False))
    records = box.control.load_balancing
    records.load_balancers[ARN] = LoadBalancer(ARN, info, made, box.clock.utcnow())
    call = box.control.call
    group = await call(
        "elbv2", "CreateTargetGroup", Name="bench", Protocol="HTTP", Port=80, VpcId="vpc-1", TargetType="ip"
    )
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    await call("elbv2", "RegisterTargets", TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1", "Port": port}])
    action = [{"Type": "forward", "TargetGroupArn": arn}]
    await call(
        "elbv2", "CreateListener", LoadBalancerArn=ARN, Protocol="HTTP", Port=80, DefaultActions=action
    )


def at(delays: list[float], share: float) -> float:
    """A quantile in ms."""
    return delays[min(int(len(delays) * share), len(delays) - 1)] * 1000


def main() -> None:
    print(
        f"{STREAMS} streams at once, {RATE} tokens/s each, {TOKENS} tokens; target, sandbox and client apart"
    )
    found = sandbox.clock.run(measure, kind="real")
    for name, delays in found.items():
        print(
            f"{name:10} p50 {at(delays, 0.5):7.3f} ms  p99 {at(delays, 0.99):7.3f} ms  max {at(delays, 1):7.3f} ms"
            f"  ({len(delays)} tokens)"
        )
    added = at(found["through it"], 0.99) - at(found["past it"], 0.99)
    print(f"the load balancer adds {added:.3f} ms to the p99 of a token")


if __name__ == "__main__":
    asyncio.run(target() if sys.argv[1] == "target" else client(int(sys.argv[2]), sys.argv[3]))
