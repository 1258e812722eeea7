"""Node.js's own clients through a load balancer: fetch, HTTP/2, WebSocket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.server import serve

from sandbox.stories.handle import SandboxHandle

if TYPE_CHECKING:
    from tests.clients.conftest import Run

EVENTS = "".join(f"data: {n}\n\n" for n in range(5))


class Events(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.rfile.read(length)
        elif self.headers.get("Transfer-Encoding"):
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for n in range(5):
            data = f"data: {n}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: Any) -> None:
        pass


def echo(connection: Any) -> None:
    for message in connection:
        connection.send(message)


@pytest.fixture
def targets() -> Iterator[tuple[int, int]]:
    """Ports of an HTTP server and of a WebSocket server."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Events)
    sockets = serve(echo, "127.0.0.1", 0, subprotocols=["chat"])  # type: ignore[list-item]
    for server in (http, sockets):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield http.server_address[1], sockets.socket.getsockname()[1]
    http.shutdown()
    http.server_close()
    sockets.shutdown()


@pytest.mark.sandbox(clock="real")  # the targets are programs that the virtual clock cannot watch
def test_events_and_messages_reach_node(
    sandbox: SandboxHandle, run_node: Run, targets: tuple[int, int]
) -> None:
    elb, ec2 = sandbox.client("elbv2"), sandbox.client("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    made = elb.create_load_balancer(Name="chat", Subnets=subnets)["LoadBalancers"][0]
    arns = []
    for name, port in zip(("events", "talk"), targets, strict=True):
        basics = {"Protocol": "HTTP", "Port": 80, "VpcId": made["VpcId"], "TargetType": "ip"}
        group = elb.create_target_group(Name=name, Matcher={"HttpCode": "200-499"}, **basics)
        arns.append(group["TargetGroups"][0]["TargetGroupArn"])
        elb.register_targets(TargetGroupArn=arns[-1], Targets=[{"Id": "127.0.0.1", "Port": port}])
    forward = [[{"Type": "forward", "TargetGroupArn": arn}] for arn in arns]
    listener = elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward[0]
    )["Listeners"][0]["ListenerArn"]
    talk = [{"Field": "path-pattern", "Values": ["/talk"]}]
    elb.create_rule(ListenerArn=listener, Priority=1, Conditions=talk, Actions=forward[1])

    port = int(sandbox.endpoint.rpartition(":")[2])
    said = run_node(
        "load_balancer.mjs", sandbox.endpoint, path="/_aws/alb/chat", host=made["DNSName"], port=port
    )

    assert said[0] == {"fetch": 200, "type": "text/event-stream", "text": EVENTS}
    assert said[1:4] == [{"http2": 200, "text": EVENTS}] * 3
    assert said[4] == {"websocket": "hello", "protocol": "chat", "code": 1000}
