"""App Runner: a service from an image, its 120 s, no WebSocket, one more instance for too many requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from sandbox.app import open_sandbox
from sandbox.aws.errors import AwsError
from sandbox.clock import Clock, run
from sandbox.context import Sandbox
from sandbox.control.cloudformation.deploy import DeployError, deploy

APP = """
import http.server, os, socketserver, time
http.server.HTTPServer.server_bind = socketserver.TCPServer.server_bind  # else it asks for its name
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        path, _, seconds = self.path.partition("?")
        if path == "/silent":
            time.sleep(float(seconds))
        self.send_response(200)
        self.send_header("X-Who", os.environ["HOSTNAME"])
        self.send_header("X-Var", os.environ.get("VAR", ""))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(int(seconds) if path == "/stream" else 1):
            self.wfile.write(b"1\\r\\n.\\r\\n")
            if path == "/stream":
                time.sleep(1)
        self.wfile.write(b"0\\r\\n\\r\\n")
    do_POST = do_GET
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", 8080), H).serve_forever()
"""
TEMPLATE = """
Resources:
  Scaling:
    Type: AWS::AppRunner::AutoScalingConfiguration
    Properties: {AutoScalingConfigurationName: small, MaxConcurrency: 2, MinSize: 1, MaxSize: 2}
  App:
    Type: AWS::AppRunner::Service
    Metadata: {DockerContext: src}
    Properties:
      ServiceName: chat
      AutoScalingConfigurationArn: !GetAtt Scaling.AutoScalingConfigurationArn
      InstanceConfiguration: {Cpu: 0.25 vCPU, Memory: 0.5 GB}
      SourceConfiguration:
        ImageRepository:
          ImageIdentifier: 000000000000.dkr.ecr.us-east-1.amazonaws.com/chat:1
          ImageRepositoryType: ECR
          ImageConfiguration: {Port: "8080", RuntimeEnvironmentVariables: [{Name: VAR, Value: told}]}
Outputs:
  Url: {Value: !GetAtt App.ServiceUrl}
  Arn: {Value: !Ref App}
"""


@pytest.fixture
def deployed(tmp_path: Path) -> Callable[..., Any]:
    """``deployed(main, app=...)``: run ``main(sandbox, client, outputs)`` with the service of the template."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/Dockerfile").write_text(
        'FROM python:3\nWORKDIR /app\nCOPY . .\nCMD ["python3", "app.py"]\n'
    )
    (tmp_path / "template.yaml").write_text(TEMPLATE)

    def start(main: Callable[[Sandbox, httpx.AsyncClient, Any], Awaitable[Any]], app: str = APP) -> Any:
        (tmp_path / "src/app.py").write_text(app)

        async def whole(clock: Clock) -> Any:
            async with open_sandbox(clock) as sandbox:
                with clock.in_flight("test"):
                    made = await deploy(sandbox, tmp_path / "template.yaml", "s")
                    client = httpx.AsyncClient(
                        base_url=sandbox.endpoint,
                        headers={"host": made.outputs["Url"]},
                        timeout=None,
                        trust_env=False,
                    )
                    async with client:
                        return await main(sandbox, client, made.outputs)

        return run(whole)

    return start


async def read(sandbox: Sandbox, client: httpx.AsyncClient, path: str) -> tuple[int, int, str, float]:
    """Status, bytes, how it ended and after how many seconds."""
    start, size, end = sandbox.clock.now(), 0, "ok"
    async with client.stream("GET", path) as response:
        try:
            async for piece in response.aiter_raw():
                size += len(piece)
        except httpx.RemoteProtocolError:
            end = "cut"
    return response.status_code, size, end, round(sandbox.clock.now() - start, 6)


def test_a_service_answers_at_its_url(deployed: Any) -> None:
    async def main(sandbox: Sandbox, client: httpx.AsyncClient, outputs: Any) -> Any:
        answer = await client.post("/", content=b"ask")
        shown = await sandbox.control.call("apprunner", "DescribeService", ServiceArn=outputs["Arn"])
        return answer, shown["Service"]

    answer, shown = deployed(main)
    assert (answer.status_code, answer.text, answer.headers["x-var"]) == (200, ".", "told")
    assert shown["Status"] == "RUNNING"
    assert shown["ServiceUrl"].endswith(".us-east-1.awsapprunner.com")


@pytest.mark.fact("7.21")
def test_a_request_may_take_120_s(deployed: Any) -> None:
    async def main(sandbox: Sandbox, client: httpx.AsyncClient, outputs: Any) -> Any:
        paths = ("/silent?119", "/silent?121", "/stream?119", "/stream?200")
        return [await read(sandbox, client, path) for path in paths]

    in_time, too_late, streamed, cut = deployed(main)
    assert (in_time[0], in_time[3]) == (200, 119)
    assert (too_late[0], too_late[3]) == (504, 120)
    assert streamed == (200, 119, "ok", 119)
    assert (cut[0], cut[2:]) == (200, ("cut", 120))


@pytest.mark.fact("7.21")
def test_there_are_no_websockets(deployed: Any) -> None:
    async def main(sandbox: Sandbox, client: httpx.AsyncClient, outputs: Any) -> Any:
        label = outputs["Url"].partition(".")[0]
        url = f"ws://127.0.0.1:{sandbox.settings.port}/_aws/apprunner/{label}/"
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, proxy=None)
        return refused.value.response.status_code

    assert deployed(main) == 403


@pytest.mark.fact("7.21")
def test_one_more_instance_comes_when_all_are_full(deployed: Any) -> None:
    async def main(sandbox: Sandbox, client: httpx.AsyncClient, outputs: Any) -> Any:
        long = [asyncio.create_task(client.get("/silent?60")) for _ in range(2)]
        await asyncio.sleep(10)
        later = await client.get("/")
        first = [answer.headers["x-who"] for answer in await asyncio.gather(*long)]
        return first, later.headers["x-who"]

    first, later = deployed(main)
    assert len(set(first)) == 1
    assert later not in first


@pytest.mark.fact("7.21")
def test_concurrency_is_200_at_most(deployed: Any) -> None:
    async def main(sandbox: Sandbox, client: httpx.AsyncClient, outputs: Any) -> Any:
        with pytest.raises(AwsError) as refused:
            await sandbox.control.call(
                "apprunner",
                "CreateAutoScalingConfiguration",
                AutoScalingConfigurationName="large",
                MaxConcurrency=201,
            )
        return refused.value.message

    assert "less than or equal to 200" in deployed(main)


def test_pausing_resuming_and_deleting(deployed: Any) -> None:
    async def main(sandbox: Sandbox, client: httpx.AsyncClient, outputs: Any) -> Any:
        call, arn = sandbox.control.call, {"ServiceArn": outputs["Arn"]}
        records = sandbox.control.applications
        seen = []
        for operation in ("PauseService", "ResumeService", "DeleteService"):
            await call("apprunner", operation, **arn)
            await records.changes.until(
                lambda: records.services[outputs["Arn"]].status != "OPERATION_IN_PROGRESS"
            )
            status = (await call("apprunner", "DescribeService", **arn))["Service"]["Status"]
            seen.append((status, (await client.get("/")).status_code))
        return seen

    assert deployed(main) == [("PAUSED", 503), ("RUNNING", 200), ("DELETED", 404)]


def test_a_service_that_does_not_listen_fails_its_stack(deployed: Any) -> None:
    async def main(sandbox: Sandbox, client: httpx.AsyncClient, outputs: Any) -> Any:
        raise AssertionError

    with pytest.raises(DeployError, match="no instance listens on port 8080"):
        deployed(main, app="import time; time.sleep(10000)")
    with pytest.raises(DeployError, match="Essential container in task exited"):
        deployed(main, app="raise SystemExit(1)")
