"""The pattern that works: a function pushes tokens through @connections, built from requestContext, unmodified."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fidelity.conftest import ROLE
from tests.fidelity.test_api_websocket import api_of, client_of

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

PYTHON = """
import json, time, boto3

def handler(event, context):
    where = event["requestContext"]
    gateway = boto3.client(
        "apigatewaymanagementapi", endpoint_url=f"https://{where['domainName']}/{where['stage']}"
    )
    for n in range(json.loads(event["body"])["n"]):
        time.sleep(2)
        gateway.post_to_connection(ConnectionId=where["connectionId"], Data=json.dumps({"token": n}))
    return {"statusCode": 200}
"""
# What the SDK's client sends, without the SDK: signed by SigV4 with the function's own credentials, over TLS.
NODE = """
import crypto from "node:crypto";
import https from "node:https";

const hmac = (key, text) => crypto.createHmac("sha256", key).update(text).digest();
const hash = (text) => crypto.createHash("sha256").update(text).digest("hex");

function post(host, path, body) {
  const env = process.env;
  const [id, secret] = [env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY];
  const [token, region] = [env.AWS_SESSION_TOKEN, env.AWS_REGION];
  const stamp = new Date().toISOString().replace(/[:-]|\\.\\d{3}/g, "");
  const scope = `${stamp.slice(0, 8)}/${region}/execute-api/aws4_request`;
  const headers = {host, "x-amz-date": stamp, ...(token ? {"x-amz-security-token": token} : {})};
  const names = Object.keys(headers).sort();
  const canonical = ["POST", path.split("/").map(encodeURIComponent).join("/"), "",
    ...names.map((name) => `${name}:${headers[name]}`), "", names.join(";"), hash(body)].join("\\n");
  const text = ["AWS4-HMAC-SHA256", stamp, scope, hash(canonical)].join("\\n");
  const key = scope.split("/").reduce((k, part) => hmac(k, part), "AWS4" + secret);
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${names.join(";")}, ` +
    `Signature=${hmac(key, text).toString("hex")}`;
  return new Promise((resolve, reject) => {
    const request = https.request({host, path, method: "POST", headers}, (answer) => {
      answer.resume().on("end", () => answer.statusCode === 200 ? resolve() : reject(new Error(answer.statusCode)));
    });
    request.on("error", reject).end(body);
  });
}

export const handler = async (event) => {
  const {domainName, stage, connectionId} = event.requestContext;
  for (let n = 0; n < JSON.parse(event.body).n; n++) {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await post(domainName, `/${stage}/@connections/${encodeURIComponent(connectionId)}`, JSON.stringify({token: n}));
  }
  return {statusCode: 200};
};
"""

# The SDK's client itself, which the runtime brings.
SDK = """
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";

export const handler = async (event) => {
  const {domainName, stage, connectionId} = event.requestContext;
  const gateway = new ApiGatewayManagementApiClient({endpoint: `https://${domainName}/${stage}`});
  for (let n = 0; n < JSON.parse(event.body).n; n++) {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await gateway.send(new PostToConnectionCommand({ConnectionId: connectionId, Data: JSON.stringify({token: n})}));
  }
  return {statusCode: 200};
};
"""
HANDLERS = {"python": PYTHON, "node": NODE, "sdk": SDK}


async def may_push(world: World) -> None:
    """The functions' role, which exists only now, may manage connections."""
    allow = {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": "*"}
    name = ROLE.rpartition("/")[2]
    await world.aws("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=document([]))
    await world.aws("iam", "PutRolePolicy", RoleName=name, PolicyName="p", PolicyDocument=document([allow]))


def document(statements: list[dict[str, str]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.mark.fact("3.18")
def test_a_function_whose_role_may_not_push_is_refused(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", PYTHON)
        async with client_of(world, await api_of(world, {"$default": "f"})) as client:
            await client.send('{"n": 1}')
            assert "Internal server error" in await client.recv()
        assert "is not authorized to perform" in world.events("failed", "api_websocket")[0].data["reason"]

    play(main)


@pytest.mark.fact("3.1", "3.18")
@pytest.mark.parametrize("handler", HANDLERS)
def test_a_function_pushes_tokens_past_the_29_seconds(play: Play, handler: str) -> None:
    async def main(world: World) -> None:
        make = world.python if handler == "python" else world.node
        await make("f", HANDLERS[handler], Timeout=120)
        api = await api_of(world, {"$default": "f"})
        await may_push(world)
        async with client_of(world, api) as client:
            began = world.clock.now()
            await client.send('{"n": 20}')
            got = [(await client.recv(), world.clock.now() - began) for _ in range(21)]
        texts = [text for text, _ in got]
        assert "Internal server error" in texts[14]  # the integration's 29 s; the function goes on
        tokens = [(text, at) for text, at in got if text.startswith('{"token"')]
        assert len(tokens) == 20
        assert [at for _, at in tokens] == [pytest.approx(2 * (n + 1), abs=0.2) for n in range(20)]

    play(main)
