"""Private integrations: an HTTP API before an Application Load Balancer that only its VPC link reaches."""

import httpx

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.context import Sandbox


def _says(text: str) -> list[dict[str, object]]:
    fixed = {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": text}
    return [{"Type": "fixed-response", "FixedResponseConfig": fixed}]


async def _listener(sandbox: Sandbox) -> str:
    """A listener at port 8080 that tells by rules which path it got."""
    call = sandbox.control.call
    subnets = (await call("ec2", "DescribeSubnets"))["Subnets"]
    ids = [subnet["SubnetId"] for subnet in subnets][:2]
    made = await call("elbv2", "CreateLoadBalancer", Name="inner", Subnets=ids, Scheme="internal")
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    for port, text in ((80, "the other listener"), (8080, "no rule")):
        listeners = await call(
            "elbv2",
            "CreateListener",
            LoadBalancerArn=arn,
            Protocol="HTTP",
            Port=port,
            DefaultActions=_says(text),
        )
    listener = str(listeners["Listeners"][0]["ListenerArn"])
    for priority, path in enumerate(("/test/chat", "/chat"), 1):
        conditions = [{"Field": "path-pattern", "Values": [path]}]
        await call(
            "elbv2",
            "CreateRule",
            ListenerArn=listener,
            Priority=priority,
            Conditions=conditions,
            Actions=_says(path),
        )
    return listener


async def _api(sandbox: Sandbox, uri: str, **mapping: str) -> str:
    call = sandbox.control.call
    link = await call("apigatewayv2", "CreateVpcLink", Name="link", SubnetIds=["subnet-1"])
    api = (await call("apigatewayv2", "CreateApi", Name="a", ProtocolType="HTTP"))["ApiId"]
    made = await call(
        "apigatewayv2",
        "CreateIntegration",
        ApiId=api,
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="ANY",
        IntegrationUri=uri,
        ConnectionType="VPC_LINK",
        ConnectionId=link["VpcLinkId"],
        PayloadFormatVersion="1.0",
        RequestParameters=mapping,
    )
    target = f"integrations/{made['IntegrationId']}"
    await call("apigatewayv2", "CreateRoute", ApiId=api, RouteKey="ANY /{proxy+}", Target=target)
    for stage in ("$default", "test"):
        await call("apigatewayv2", "CreateStage", ApiId=api, StageName=stage, AutoDeploy=True)
    return f"{sandbox.endpoint}/_aws/execute-api/{api}"


def test_the_listener_that_the_integration_names_gets_the_path_with_its_stage() -> None:
    async def main(clock: Clock) -> None:
        async with open_sandbox(clock) as sandbox:
            listener = await _listener(sandbox)
            async with httpx.AsyncClient(trust_env=False, timeout=None) as client:

                async def ask(url: str) -> tuple[int, str]:
                    answer = await client.get(url)
                    return answer.status_code, answer.text

                api = await _api(sandbox, listener)
                assert await ask(f"{api}/chat") == (200, "/chat")
                assert await ask(f"{api}/test/chat") == (200, "/test/chat")
                assert await ask(f"{api}/other") == (200, "no rule")
                api = await _api(sandbox, listener, **{"overwrite:path": "$request.path"})
                assert await ask(f"{api}/test/chat") == (200, "/chat")
                api = await _api(sandbox, listener.replace("listener", "listener-rule"))
                assert (await ask(f"{api}/chat"))[0] == 503

    run(main, in_flight="test")
