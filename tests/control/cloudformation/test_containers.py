"""Templates of containers behind a load balancer, deployed into a whole sandbox."""

from __future__ import annotations

import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.context import Sandbox
from sandbox.control.cloudformation.deploy import DeployError, TemplateError, deploy

HERE = Path(__file__).parent
SMALL = """
Parameters: {{Code: {{Type: String, Default: "{code}"}}}}
Resources:
  Cluster: {{Type: AWS::ECS::Cluster}}
  Task:
    Type: AWS::ECS::TaskDefinition
    {metadata}
    Properties:
      NetworkMode: awsvpc
      RequiresCompatibilities: [FARGATE]
      Cpu: "256"
      Memory: "512"
      ContainerDefinitions: [{{Name: app, Image: "{image}", Command: [python3, -u, -c, !Ref Code]}}]
  Service:
    Type: AWS::ECS::Service
    Properties: {{Cluster: !Ref Cluster, TaskDefinition: !Ref Task, LaunchType: FARGATE, DesiredCount: 1}}
Outputs:
  Name: {{Value: !GetAtt Service.Name}}
  Task: {{Value: !Ref Task}}
"""
WAIT = "import time; print('up'); time.sleep(100000)"


def small(folder: Path, code: str = WAIT, image: str = "python:3", metadata: str = "") -> Path:
    path = folder / "template.yaml"
    path.write_text(SMALL.format(code=code, image=image, metadata=metadata))
    return path


def played(main: Callable[[Sandbox], Awaitable[Any]]) -> Any:
    async def whole(clock: Clock) -> Any:
        async with open_sandbox(clock) as sandbox:
            with clock.in_flight("test"):
                return await main(sandbox)

    return run(whole)


async def ended(sandbox: Sandbox, stack: str) -> str:
    call = sandbox.control.call
    await call("cloudformation", "DeleteStack", StackName=stack)
    while True:
        status = (await call("cloudformation", "DescribeStacks", StackName=stack))["Stacks"][0]["StackStatus"]
        if not status.endswith("IN_PROGRESS"):
            return str(status)


def test_what_cdk_makes_of_an_application_load_balanced_fargate_service() -> None:
    async def main(sandbox: Sandbox) -> Any:
        name = "/cdk-bootstrap/hnb659fds/version"
        await sandbox.control.call("ssm", "PutParameter", Name=name, Value="21", Type="String")
        made = await deploy(sandbox, HERE / "fargate_service.template.json", "chat")
        host = {"host": made.outputs["ServiceLoadBalancerDNSEC5B149E"]}
        async with httpx.AsyncClient(base_url=sandbox.endpoint, headers=host, trust_env=False) as client:
            answer = await client.get("/")
        balancers = await sandbox.control.call("elbv2", "DescribeLoadBalancers")
        arn = balancers["LoadBalancers"][0]["LoadBalancerArn"]
        shown = await sandbox.control.call("elbv2", "DescribeLoadBalancerAttributes", LoadBalancerArn=arn)
        attributes = {one["Key"]: one["Value"] for one in shown["Attributes"]}
        at = sandbox.clock.now()
        status = await ended(sandbox, made.stack_id)
        return answer, attributes["idle_timeout.timeout_seconds"], status, round(sandbox.clock.now() - at)

    answer, idle, status, seconds = played(main)
    assert answer.status_code == 200
    assert "Directory listing" in answer.text
    assert idle == "120"
    assert (status, seconds) == ("DELETE_COMPLETE", 300)  # the default deregistration delay


def test_an_update_brings_new_tasks(tmp_path: Path) -> None:
    async def main(sandbox: Sandbox) -> Any:
        first = await deploy(sandbox, small(tmp_path), "s")
        second = await deploy(sandbox, small(tmp_path, WAIT.replace("up", "other")), "s")
        lines = [e.data["line"] for e in sandbox.timeline if (e.source, e.name) == ("ecs", "log")]
        tasks = [t.definition.arn for t in sandbox.control.containers.tasks.values() if t.wanted]
        return first.outputs, second.outputs, lines, tasks

    first, second, lines, tasks = played(main)
    assert first["Name"] == second["Name"]
    assert first["Task"] != second["Task"]
    assert lines == ["up", "other"]
    assert tasks == [second["Task"]]


def test_a_service_that_does_not_come_up_fails_its_stack_with_what_it_printed(tmp_path: Path) -> None:
    async def main(sandbox: Sandbox) -> Any:
        with pytest.raises(DeployError) as failed:
            await deploy(sandbox, small(tmp_path, "print('no model'); raise SystemExit(7)"), "s")
        return str(failed.value)

    told = played(main)
    assert "Service" in told
    for words in ("Essential container in task exited", "app ended with exit code 7", "[app] no model"):
        assert words in told


def test_an_image_that_cannot_be_followed_fails_its_stack_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/Dockerfile").write_text("FROM python:3\nRUN make\n")
    metadata = "Metadata: {DockerContext: src}"

    async def main(sandbox: Sandbox) -> Any:
        with pytest.raises(DeployError) as failed:
            await deploy(sandbox, small(tmp_path, image="own:1", metadata=metadata), "s")
        return str(failed.value)

    assert "CannotPullContainerError: Task/Dockerfile:2: RUN is not carried out, and 'make'" in played(main)


def test_a_build_context_that_is_not_there_is_told_with_its_line(tmp_path: Path) -> None:
    async def main(sandbox: Sandbox) -> Any:
        with pytest.raises(TemplateError) as failed:
            await deploy(sandbox, small(tmp_path, metadata="Metadata: {DockerContext: gone}"), "s")
        return failed.value

    error = played(main)
    assert "DockerContext names 'gone'" in str(error)
    assert error.line == 7


def test_containers_have_build_contexts_of_their_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(f"print('{name}')\n")
        (tmp_path / name / "Dockerfile").write_text(
            'FROM python\nWORKDIR /app\nCOPY . .\nCMD ["python3", "main.py"]\n'
        )
    template = tmp_path / "template.yaml"
    waits = {"DependsOn": [{"ContainerName": "two", "Condition": "SUCCESS"}]}
    containers = [
        {"Name": "one", "Image": "own/one:1", **waits},
        {"Name": "two", "Image": "own/two:1", "Essential": False},
    ]
    properties = {
        "NetworkMode": "awsvpc", "RequiresCompatibilities": ["FARGATE"], "Cpu": "256", "Memory": "512",
        "ContainerDefinitions": containers,
    }  # fmt: skip
    metadata = {"Containers": {"one": {"DockerContext": "one"}, "two": {"DockerContext": "two"}}}
    task = {"Type": "AWS::ECS::TaskDefinition", "Metadata": metadata, "Properties": properties}
    outputs = {"Task": {"Value": {"Ref": "Task"}}}
    template.write_text(json.dumps({"Resources": {"Task": task}, "Outputs": outputs}))

    async def main(sandbox: Sandbox) -> Any:
        made = await deploy(sandbox, template, "s")
        call = sandbox.control.call
        await call("ecs", "CreateCluster")
        await call("ecs", "RunTask", taskDefinition=made.outputs["Task"])
        [task] = sandbox.control.containers.tasks.values()
        await sandbox.control.containers.changes.until(lambda: task.over)
        return [e.data["line"] for e in sandbox.timeline if (e.source, e.name) == ("ecs", "log")]

    assert played(main) == ["two", "one"]


HTTPS = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  A: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24, AvailabilityZone: us-east-1a}}
  B: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, AvailabilityZone: us-east-1b}}
  Certificate:
    Type: AWS::CertificateManager::Certificate
    Properties: {DomainName: chat.example.com, ValidationMethod: DNS}
  Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Name: chat, Subnets: [!Ref A, !Ref B]}}
  Insecure:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Balancer
      Port: 80
      Protocol: HTTP
      DefaultActions: [{Type: redirect, RedirectConfig: {Protocol: HTTPS, Port: "443", StatusCode: HTTP_301}}]
  Secure:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Balancer
      Port: 443
      Protocol: HTTPS
      Certificates: [{CertificateArn: !Ref Certificate}]
      DefaultActions: [{Type: fixed-response, FixedResponseConfig: {StatusCode: "404"}}]
  Rule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Secure
      Priority: 1
      Conditions: [{Field: path-pattern, Values: [/hello]}]
      Actions: [{Type: fixed-response, FixedResponseConfig: {StatusCode: "200", MessageBody: MESSAGE}}]
"""


def test_https_with_a_redirect_a_rule_and_its_update(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"

    async def main(sandbox: Sandbox) -> Any:
        seen = []
        for message in ("one", "two"):
            template.write_text(HTTPS.replace("MESSAGE", message))
            made = await deploy(sandbox, template, "s")
            context = ssl.create_default_context(cafile=str(sandbox.settings.data_dir / "ca.pem"))
            async with httpx.AsyncClient(verify=context, trust_env=False) as client:
                plain = await client.get(f"{sandbox.endpoint}/_aws/alb/chat/hello")
                base = f"https://localhost:{sandbox.settings.port}/_aws/alb/chat"
                secure = [await client.get(f"{base}{path}") for path in ("/hello", "/other")]
            seen.append((plain.status_code, plain.headers["location"].partition("/hello")[0][-4:]))
            seen.append([(answer.status_code, answer.text) for answer in secure])
        return seen, await ended(sandbox, made.stack_id)

    seen, status = played(main)
    assert seen == [(301, ":443"), [(200, "one"), (404, "")], (301, ":443"), [(200, "two"), (404, "")]]
    assert status == "DELETE_COMPLETE"
