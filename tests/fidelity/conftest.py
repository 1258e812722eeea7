"""A whole sandbox on virtual time for proofs of single rows: real processes, sockets and clients."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.context import Invocation, InvocationResult, Sandbox
from sandbox.timeline import Event

PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
NODE = "nodejs24.x"
# Writes n pieces, the first after gap seconds, of size bytes or one event each.
PIECES = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const {n, gap, size} = JSON.parse(event.body);
  const head = {statusCode: 200, headers: {"content-type": "text/event-stream"}};
  stream = awslambda.HttpResponseStream.from(stream, head);
  for (let i = 0; i < n; i++) {
    await new Promise((resolve) => setTimeout(resolve, gap * 1000));
    const piece = size ? Buffer.alloc(size, "A") : `data: ${i}\\n\\n`;
    if (!stream.write(piece)) await new Promise((resolve) => stream.once("drain", resolve));
  }
  stream.end();
});
"""
ROLE = "arn:aws:iam::000000000000:role/any"


@dataclass
class World:
    """A running sandbox and short words for what the proofs do with it."""

    sandbox: Sandbox
    clock: Clock
    http: httpx.AsyncClient

    async def aws(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """An AWS API call. Raises ``AwsError``."""
        return await self.sandbox.control.call(service, operation, **params)

    async def python(self, name: str, source: str, **config: Any) -> None:
        """A function with this ``app.py``; the handler is ``app.handler``."""
        await self._function(name, PYTHON, "app.handler", "app.py", source, config)

    async def node(self, name: str, source: str, **config: Any) -> None:
        """A function with this ``index.mjs``; the handler is ``index.handler``."""
        await self._function(name, NODE, "index.handler", "index.mjs", source, config)

    async def pieces(self, name: str, **config: Any) -> None:
        """A Node.js function that streams what its request's body asks for: ``{"n": 4, "gap": 10, "size": 9}``."""
        await self.node(name, PIECES, **config)

    async def _function(
        self, name: str, runtime: str, handler: str, file: str, source: str, config: dict[str, Any]
    ) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(file, source)
        code = {"ZipFile": packed.getvalue()}
        basics = {"FunctionName": name, "Runtime": runtime, "Handler": handler, "Role": ROLE, "Code": code}
        await self.aws("lambda", "CreateFunction", **basics, **config)

    async def invoke(self, name: str, payload: bytes = b"{}", **options: Any) -> InvocationResult:
        """Run a function."""
        return await self.sandbox.invoke(Invocation(name, payload, **options))

    async def url(
        self, name: str, mode: str = "BUFFERED", auth: str = "NONE", invoke_permission: bool = True
    ) -> str:
        """A Function URL of a function, with the permissions of a public one. The path-style address."""
        made = await self.aws(
            "lambda", "CreateFunctionUrlConfig", FunctionName=name, AuthType=auth, InvokeMode=mode
        )
        await self.aws(
            "lambda",
            "AddPermission",
            FunctionName=name,
            StatementId="url",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType=auth,
        )
        if invoke_permission:
            await self.aws(
                "lambda",
                "AddPermission",
                FunctionName=name,
                StatementId="invoke",
                Action="lambda:InvokeFunction",
                Principal="*",
                InvokedViaFunctionUrl=True,
            )
        url_id = httpx.URL(made["FunctionUrl"]).host.partition(".")[0]
        return f"{self.sandbox.endpoint}/_aws/lambda-url/{url_id}/"

    async def rest_stream(self, function: str, **options: Any) -> str:
        """A REST API that streams the function's answer, for up to 15 minutes unless told otherwise.

        ``None`` as an option leaves the member out.
        """
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
        path = f"functions/{arn}/response-streaming-invocations"
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/{path}"
        settings = {"timeoutInMillis": 900_000, "responseTransferMode": "STREAM", "uri": uri}
        given = {**settings, **options}
        return await self.rest_api(function, **{name: v for name, v in given.items() if v is not None})

    async def rest_api(
        self, function: str, permission: bool = True, endpoint: str = "REGIONAL", **integration: Any
    ) -> str:
        """A REST API whose ``POST /chat`` is a Lambda proxy of the function. The path-style address of the stage."""
        types = {"types": [endpoint]}
        api = (await self.aws("apigateway", "CreateRestApi", name="a", endpointConfiguration=types))["id"]
        root = (await self.aws("apigateway", "GetResources", restApiId=api))["items"][0]["id"]
        made = await self.aws("apigateway", "CreateResource", restApiId=api, parentId=root, pathPart="chat")
        at = {"restApiId": api, "resourceId": made["id"], "httpMethod": "POST"}
        await self.aws("apigateway", "PutMethod", **at, authorizationType="NONE")
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
        settings = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri, **integration}
        await self.aws("apigateway", "PutIntegration", **at, **settings)
        if permission:
            await self.aws(
                "lambda",
                "AddPermission",
                FunctionName=function,
                StatementId="api",
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
            )
        await self.aws("apigateway", "CreateDeployment", restApiId=api, stageName="prod")
        return f"{self.sandbox.endpoint}/_aws/execute-api/{api}/prod"

    async def arrivals(self, url: str, **request: Any) -> list[tuple[float, bytes]]:
        """A streamed answer: what came, and how many seconds after the request."""
        began, pieces = self.clock.now(), []
        async with self.http.stream("POST", url, **request) as answer:
            async for piece in answer.aiter_raw():
                pieces.append((self.clock.now() - began, piece))
        return pieces

    def events(self, name: str, source: str = "lambda") -> list[Event]:
        """What happened, by name."""
        return list(self.sandbox.timeline.select(source, name))


Play = Callable[..., None]


@pytest.fixture
def play() -> Play:
    """``play(main, as_of=..., overrides=...)`` runs ``main(world)`` on a new sandbox and virtual time."""

    def player(main: Callable[[World], Awaitable[None]], **options: Any) -> None:
        async def whole(clock: Clock) -> None:
            async with open_sandbox(clock, **options) as sandbox, httpx.AsyncClient(timeout=None) as http:
                await main(World(sandbox, clock, http))

        run(whole)

    return player
