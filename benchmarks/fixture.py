"""Functions and APIs for the measurements, made through the control plane."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from sandbox.context import Sandbox

TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)


def zipped(files: dict[str, str]) -> bytes:
    """A zip of text files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


async def create_function(
    box: Sandbox, name: str, code: str, *, runtime: str = "python3.11", timeout: int = 30, **more: Any
) -> str:
    """A function of one source file; its ARN."""
    file = "index.py" if runtime.startswith("python") else "index.mjs"
    role = await box.control.call(
        "iam", "CreateRole", RoleName=f"{name}-role", AssumeRolePolicyDocument=TRUST
    )
    made = await box.control.call(
        "lambda",
        "CreateFunction",
        FunctionName=name,
        Runtime=runtime,
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": zipped({file: code})},
        Timeout=timeout,
        **more,
    )
    return str(made["FunctionArn"])


async def create_function_url(box: Sandbox, name: str, mode: str = "RESPONSE_STREAM") -> str:
    """A public Function URL, in path style."""
    made = await box.control.call(
        "lambda", "CreateFunctionUrlConfig", FunctionName=name, AuthType="NONE", InvokeMode=mode
    )
    for statement, action, more in (
        ("url", "lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
        ("invoke", "lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ):
        await box.control.call(
            "lambda",
            "AddPermission",
            FunctionName=name,
            StatementId=statement,
            Action=action,
            Principal="*",
            **more,
        )
    url_id = made["FunctionUrl"].split("//")[1].split(".")[0]
    return f"{box.endpoint}/_aws/lambda-url/{url_id}/"


async def create_rest_api(box: Sandbox, function: str, timeout_ms: int | None = None) -> str:
    """A REST API whose ``GET /chat`` is the function, in path style."""
    call, region, account = box.control.call, box.settings.region, box.settings.account
    arn = f"arn:aws:lambda:{region}:{account}:function:{function}"
    api = (
        await call("apigateway", "CreateRestApi", name="bench", endpointConfiguration={"types": ["REGIONAL"]})
    )["id"]
    root = (await call("apigateway", "GetResources", restApiId=api))["items"][0]["id"]
    resource = (await call("apigateway", "CreateResource", restApiId=api, parentId=root, pathPart="chat"))[
        "id"
    ]
    where = {"restApiId": api, "resourceId": resource, "httpMethod": "GET"}
    await call("apigateway", "PutMethod", **where, authorizationType="NONE")
    await call(
        "apigateway",
        "PutIntegration",
        **where,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations",
        **({"timeoutInMillis": timeout_ms} if timeout_ms else {}),
    )
    await call("apigateway", "CreateDeployment", restApiId=api, stageName="prod")
    await call(
        "lambda",
        "AddPermission",
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{region}:{account}:{api}/*",
    )
    return f"{box.endpoint}/_aws/execute-api/{api}/prod/chat"
