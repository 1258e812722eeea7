"""Private integrations: a REST API before an Application Load Balancer that its VPC link reaches."""

import httpx
import pytest

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.context import Sandbox
from tests.services.api_http.test_private import _listener


async def _api(sandbox: Sandbox, **integration: object) -> str:
    call = sandbox.control.call
    link = (await call("apigatewayv2", "CreateVpcLink", Name="link", SubnetIds=["subnet-1"]))["VpcLinkId"]
    api = (await call("apigateway", "CreateRestApi", name="a"))["id"]
    root = (await call("apigateway", "GetResources", restApiId=api))["items"][0]["id"]
    proxy = (await call("apigateway", "CreateResource", restApiId=api, parentId=root, pathPart="{proxy+}"))[
        "id"
    ]
    at = {"restApiId": api, "resourceId": proxy, "httpMethod": "ANY"}
    path = {"method.request.path.proxy": True}
    await call("apigateway", "PutMethod", **at, authorizationType="NONE", requestParameters=path)
    settings = {
        "type": "HTTP_PROXY",
        "integrationHttpMethod": "ANY",
        "connectionType": "VPC_LINK",
        "connectionId": link,
        "requestParameters": {"integration.request.path.proxy": "method.request.path.proxy"},
    }
    await call("apigateway", "PutIntegration", **at, **settings, **integration)
    await call("apigateway", "CreateDeployment", restApiId=api, stageName="test")
    return f"{sandbox.endpoint}/_aws/execute-api/{api}/test"


@pytest.mark.parametrize("mode", ["BUFFERED", "STREAM"])
def test_the_target_is_reached_at_the_port_and_path_of_the_uri(mode: str) -> None:
    async def main(clock: Clock) -> None:
        async with open_sandbox(clock) as sandbox, httpx.AsyncClient(timeout=None) as http:
            target = (await _listener(sandbox)).replace(":listener/", ":loadbalancer/").rpartition("/")[0]

            async def ask(uri: str, path: str) -> tuple[int, str]:
                address = await _api(sandbox, uri=uri, integrationTarget=target, responseTransferMode=mode)
                answer = await http.get(f"{address}{path}")
                return answer.status_code, answer.text

            assert await ask("http://inner.example:8080/{proxy}", "/chat") == (200, "/chat")
            assert await ask("http://inner.example/{proxy}", "/chat") == (200, "the other listener")
            gone, wrong = '{"message": "Network error communicating with endpoint"}', []
            wrong.append(await ask("http://inner.example:9/{proxy}", "/chat"))
            wrong.append(await ask("https://inner.example/{proxy}", "/chat"))  # 443, and not 80
            target = target.replace("/app/", "/app/x")
            wrong.append(await ask("http://inner.example/{proxy}", "/chat"))
            assert wrong == [(504, gone)] * 3
            reasons = [e.data["reason"] for e in sandbox.timeline.select("api_rest", "failed")]
            assert [one.partition(" of ")[0].partition(" arn")[0] for one in reasons] == [
                "no listener at port 9",
                "no listener at port 443",
                "no load balancer",
            ]

    run(main)


def test_the_load_balancer_sees_the_host_of_the_uri() -> None:
    async def main(clock: Clock) -> None:
        async with open_sandbox(clock) as sandbox, httpx.AsyncClient(timeout=None) as http:
            listener = await _listener(sandbox)
            fixed = {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "named"}
            await sandbox.control.call(
                "elbv2",
                "CreateRule",
                ListenerArn=listener,
                Priority=9,
                Conditions=[{"Field": "host-header", "Values": ["inner.example"]}],
                Actions=[{"Type": "fixed-response", "FixedResponseConfig": fixed}],
            )
            target = listener.replace(":listener/", ":loadbalancer/").rpartition("/")[0]
            for host, said in (("inner.example", "named"), ("other.example", "no rule")):
                address = await _api(sandbox, uri=f"http://{host}:8080/x", integrationTarget=target)
                assert (await http.get(f"{address}/x")).text == said

    run(main)


def test_a_link_without_a_target_is_named_as_not_there() -> None:
    async def main(clock: Clock) -> None:
        async with open_sandbox(clock) as sandbox, httpx.AsyncClient(timeout=None) as http:
            address = await _api(sandbox, uri="http://inner.example/{proxy}")
            answer = await http.get(f"{address}/chat")
            assert (answer.status_code, "Network Load Balancer" in answer.text) == (501, True)

    run(main)
