"""What a runtime brings besides its language: the AWS SDKs, found as on AWS by functions that do not bring them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lambda_support import World, zipped

from sandbox.services.lambda_.install import NPM
from sandbox.services.lambda_.runtimes import RUNTIMES
from sandbox.services.lambda_.runtimes.base import RuntimeMissingError

NODES = ("nodejs20.x", "nodejs22.x", "nodejs24.x")
PACKAGES = sorted(json.loads((NPM / "sdk" / "package.json").read_text())["dependencies"])
ESM = """
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import { SignatureV4 } from "@smithy/signature-v4";
export const handler = async (event) => {
  const found = {};
  for (const name of event.packages) found[name] = Object.keys(await import(name)).length;
  return { found, client: new ApiGatewayManagementApiClient({}).config.serviceId, signer: SignatureV4.name };
};
"""
CJS = """
const { ApiGatewayManagementApiClient } = require("@aws-sdk/client-apigatewaymanagementapi");
const { SignatureV4 } = require("@smithy/signature-v4");
exports.handler = async (event) => {
  const found = {};
  for (const name of event.packages) found[name] = Object.keys(require(name)).length;
  return { found, client: new ApiGatewayManagementApiClient({}).config.serviceId, signer: SignatureV4.name };
};
"""
WHOSE_ESM = (
    'import { WHOSE } from "@aws-sdk/client-sqs"; export const handler = async () => WHOSE ?? "runtime";'
)
WHOSE_CJS = (
    'const { WHOSE } = require("@aws-sdk/client-sqs"); exports.handler = async () => WHOSE ?? "runtime";'
)


def needs(name: str) -> None:
    try:
        RUNTIMES[name].installed()
    except RuntimeMissingError as error:
        pytest.skip(str(error))


def package(folder: str, name: str, source: str) -> dict[str, str | bytes]:
    """The files of an npm package in ``folder``."""
    return {
        f"{folder}/{name}/package.json": json.dumps({"name": name, "version": "1.0.0", "main": "index.js"}),
        f"{folder}/{name}/index.js": source,
    }


def whose(folder: str, answer: str) -> dict[str, str | bytes]:
    return package(folder, "@aws-sdk/client-sqs", f'exports.WHOSE = "{answer}";')


@pytest.mark.parametrize("runtime", NODES)
@pytest.mark.parametrize(("file", "code"), [("index.mjs", ESM), ("index.js", CJS)], ids=["import", "require"])
def test_node_functions_find_the_aws_sdk(lambda_world, runtime, file, code):
    needs(runtime)

    async def main(world: World) -> None:
        world.function(runtime=runtime, code=zipped({file: code}), timeout_s=60)
        result = await world.invoke(payload=json.dumps({"packages": PACKAGES}).encode())
        assert result.function_error is None, result.payload
        body = json.loads(result.payload)
        assert (body["client"], body["signer"]) == ("ApiGatewayManagementApi", "SignatureV4")
        assert sorted(body["found"]) == PACKAGES
        assert all(body["found"].values())

    lambda_world(main)


@pytest.mark.parametrize("runtime", NODES)
@pytest.mark.parametrize(
    ("file", "code"), [("index.mjs", WHOSE_ESM), ("index.js", WHOSE_CJS)], ids=["import", "require"]
)
def test_a_functions_own_sdk_comes_first_then_the_layers(lambda_world, runtime, file, code):
    needs(runtime)
    layer = {
        **whose("nodejs/node_modules", "layer"),
        **package("nodejs/node_modules", "mine", "exports.WHOSE = 'layer';"),
    }
    own = {file: code, **whose("node_modules", "function")}
    layers: Any = (("arn:aws:lambda:us-east-1:000000000000:layer:l:1", zipped(layer)),)

    async def main(world: World) -> None:
        world.function("own", runtime=runtime, code=zipped(own), layers=layers)
        world.function("layered", runtime=runtime, code=zipped({file: code}), layers=layers)
        mine = code.replace("@aws-sdk/client-sqs", "mine")
        world.function("layers-only", runtime=runtime, code=zipped({file: mine}), layers=layers)
        for name, expected in (("own", b'"function"'), ("layered", b'"layer"'), ("layers-only", b'"layer"')):
            result = await world.invoke(name)
            assert result.payload == expected, name

    lambda_world(main)


@pytest.mark.parametrize("runtime", NODES)
@pytest.mark.parametrize(
    ("file", "code", "kind"),
    [
        ("index.mjs", 'import "@aws-sdk/client-nothing"; export const handler = async () => 1;', "package"),
        ("index.js", 'require("@aws-sdk/client-nothing"); exports.handler = async () => 1;', "module"),
    ],
    ids=["import", "require"],
)
def test_a_module_that_no_folder_has_is_nodes_own_error(lambda_world, runtime, file, code, kind):
    needs(runtime)

    async def main(world: World) -> None:
        world.function(runtime=runtime, code=zipped({file: code}))
        body = json.loads((await world.invoke()).payload)
        assert body["errorType"] == ("Error" if kind == "package" else "Runtime.ImportModuleError"), body
        assert f"Cannot find {kind} '@aws-sdk/client-nothing'" in body["errorMessage"]

    lambda_world(main)


@pytest.mark.parametrize("runtime", ["python3.11", "python3.12", "python3.13", "python3.14"])
def test_python_functions_find_boto3(lambda_world, runtime):
    needs(runtime)
    code = """
import boto3, botocore, sys
def handler(event, context):
    client = boto3.client("apigatewaymanagementapi", endpoint_url="http://127.0.0.1:1")
    return [sys.version_info[:2], client.meta.service_model.service_id, boto3.__version__ >= "1"]
"""

    async def main(world: World) -> None:
        world.function(runtime=runtime, code=code, timeout_s=60)
        result = await world.invoke()
        version = [int(part) for part in runtime.removeprefix("python").split(".")]
        assert json.loads(result.payload) == [version, "ApiGatewayManagementApi", True]

    lambda_world(main)


@pytest.mark.parametrize("runtime", ["python3.11", "python3.12", "python3.13", "python3.14"])
def test_python_functions_do_not_find_the_packages_of_this_machine(lambda_world, runtime):
    needs(runtime)
    code = """
import importlib.util, os, shutil, subprocess, sys
def handler(event, context):
    other = subprocess.run(["python3", "-c", "import sys; print(sys.path)"], capture_output=True, text=True)
    return {
        "paths": [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))],
        "pip": importlib.util.find_spec("pip") is not None,
        "same": os.path.realpath(shutil.which("python3")) == os.path.realpath(sys.executable),
        "other": "bundle" in other.stdout and "pip" not in other.stdout,
    }
"""

    async def main(world: World) -> None:
        world.function(runtime=runtime, code=code, timeout_s=60)
        found = json.loads((await world.invoke()).payload)
        assert [path for path in found.pop("paths") if "no-layers" not in path] == []
        assert found == {"pip": False, "same": True, "other": True}

    lambda_world(main)


def test_a_layers_python_goes_before_the_sandboxes_in_custom_runtimes(lambda_world):
    bootstrap = """#!/usr/bin/env python3
raise SystemExit("the wrong python")
"""
    python = '#!/bin/sh\necho "the python of the layer"\nexit 7\n'

    async def main(world: World) -> None:
        layer = zipped({"bin/python3": python}, executable=("bin/python3",))
        code = zipped({"bootstrap": bootstrap}, executable=("bootstrap",))
        world.function(
            runtime="provided.al2023",
            code=code,
            layers=(("arn:aws:lambda:us-east-1:000000000000:layer:l:1", layer),),
        )
        await world.invoke()
        assert "the python of the layer" in {e.data["line"] for e in world.events("log")}

    lambda_world(main)


STARTING = """
import os, subprocess

def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout.strip()

def handler(event, context):
    try:
        run("/opt/tools/missing")
    except FileNotFoundError as error:
        missing = error.filename
    shell = subprocess.check_output("echo one shell", shell=True, text=True).strip()
    said = [run("/opt/tools/hello", "a", "b"), run("/var/task/own"), run("echo", "mine"), shell, missing]
    return said + [os.environ.get("AWS_CA_BUNDLE", "")]
"""


def test_programs_of_layers_are_started_by_their_paths_in_the_image(lambda_world: Any) -> None:
    hello = (
        "#!/var/lang/bin/python\nimport sys, os; print('hello', sys.argv[1:], os.path.basename(sys.argv[0]))"
    )
    layer = zipped({"tools/hello": hello.replace("\\\n", "\n")}, ("tools/hello",))
    code = zipped({"index.py": STARTING, "own": "#!/bin/sh\necho own $0"}, ("own",))

    async def body(world: World) -> Any:
        bundle = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
        arn = "arn:aws:lambda:us-east-1:000000000000:layer:tools:1"
        world.function(code=code, layers=((arn, layer),), environment={"AWS_CA_BUNDLE": bundle})
        return json.loads((await world.invoke()).payload)

    said, own, *others, bundle = lambda_world(body)
    assert said == "hello ['a', 'b'] hello"
    assert own.startswith("own /")
    assert others == ["mine", "one shell", "/opt/tools/missing"]
    assert not bundle.startswith("/etc/pki")  # the sandbox's own, which there may be none of here
