"""`deploy`: local code is packaged, the stack made, and failures told with file, line and reason."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sandbox.control.cloudformation.deploy import DeployError, TemplateError, deploy
from sandbox.control.cloudformation.errors import PropertyError
from sandbox.control.cloudformation.packaging import key_of
from sandbox.control.cloudformation.types.shapes import to_params
from sandbox.control.cloudformation.zips import zip_path

SAM = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: python3.12, Handler: index.handler}
Resources:
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layer/, CompatibleRuntimes: [python3.12]}
  Chat:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Layers: [!Ref Shared]
      AutoPublishAlias: live
      FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}
      Events:
        Ask: {Type: Api, Properties: {Path: '/chat/{id}', Method: post}}
Outputs:
  Url: {Value: !GetAtt ChatUrl.FunctionUrl}
  Api: {Value: !Sub 'https://${ServerlessRestApi}.execute-api.${AWS::Region}.amazonaws.com/Prod/'}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src" / "node_modules" / "dep").mkdir(parents=True)
    (tmp_path / "src" / "index.py").write_text(
        "def handler(event, context):\n    return {'statusCode': 200}\n"
    )
    (tmp_path / "src" / "bootstrap").write_text("#!/bin/sh\n")
    (tmp_path / "src" / "node_modules" / "dep" / "index.js").write_text("exports.x = 1\n")
    (tmp_path / "layer" / "python").mkdir(parents=True)
    (tmp_path / "layer" / "python" / "shared.py").write_text("X = 1\n")
    (tmp_path / "template.yaml").write_text(SAM)
    return tmp_path


def test_serverless_function_with_all_its_fronts(play: Any, project: Path) -> None:
    async def body(lab: Any) -> None:
        stack = await deploy(lab.sandbox, project / "template.yaml", "s")
        name = stack.resources["Chat"]
        function = await lab.aws("lambda", "GetFunctionConfiguration", FunctionName=name)
        assert function["Layers"][0]["Arn"].startswith("arn:aws:lambda:us-east-1:000000000000:layer:Shared")
        url = await lab.aws("lambda", "GetFunctionUrlConfig", FunctionName=name, Qualifier="live")
        assert (url["InvokeMode"], url["FunctionUrl"]) == ("RESPONSE_STREAM", stack["Url"])
        alias = await lab.aws("lambda", "GetAlias", FunctionName=name, Name="live")
        assert alias["FunctionVersion"] == "1"
        api = stack.resources["ServerlessRestApi"]
        assert stack["Api"] == f"https://{api}.execute-api.us-east-1.amazonaws.com/Prod/"
        items = (await lab.aws("apigateway", "GetResources", restApiId=api, embed=["methods"]))["items"]
        method = next(i for i in items if i["path"] == "/chat/{id}")["resourceMethods"]["POST"]
        assert method["methodIntegration"]["uri"].endswith(f"function:{name}:live/invocations")
        stages = (await lab.aws("apigateway", "GetStages", restApiId=api))["item"]
        assert "Prod" in {stage["stageName"] for stage in stages}

    play(body)


def test_code_arrives_with_modes_and_modules(play: Any, project: Path) -> None:
    async def body(lab: Any) -> None:
        stack = await deploy(lab.sandbox, project / "template.yaml", "s")
        config = await lab.sandbox.control.resources.function(stack.resources["Chat"])
        with zipfile.ZipFile(io.BytesIO(config.code_zip)) as archive:
            modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
        assert modes == {"bootstrap": 0o755, "index.py": 0o644, "node_modules/dep/index.js": 0o644}

    play(body)


def test_changed_code_makes_a_new_version_behind_the_alias(play: Any, project: Path) -> None:
    async def body(lab: Any) -> None:
        first = await deploy(lab.sandbox, project / "template.yaml", "s")
        assert await deploy(lab.sandbox, project / "template.yaml", "s") == first  # nothing to do is no error
        (project / "src" / "index.py").write_text(
            "def handler(event, context):\n    return {'statusCode': 201}\n"
        )
        second = await deploy(lab.sandbox, project / "template.yaml", "s")
        assert second == first
        alias = await lab.aws("lambda", "GetAlias", FunctionName=second.resources["Chat"], Name="live")
        assert alias["FunctionVersion"] == "2"

    play(body)


def test_zip_is_the_same_on_another_day(project: Path) -> None:
    before = zip_path(project / "src")
    (project / "src" / "index.py").touch()
    assert key_of(zip_path(project / "src")) == key_of(before)


def test_missing_folder_is_told_with_its_line(play: Any, project: Path) -> None:
    template = project / "template.yaml"
    template.write_text(SAM.replace("CodeUri: src/", "CodeUri: nowhere/"))

    async def body(lab: Any) -> None:
        with pytest.raises(TemplateError, match="CodeUri names 'nowhere/'") as refused:
            await deploy(lab.sandbox, template, "s")
        assert (refused.value.file, refused.value.line) == (template, 11)

    play(body)


def test_refused_template_is_told_with_its_line(play: Any, project: Path) -> None:
    template = project / "template.yaml"
    template.write_text(SAM + "  Bad: {Value: !Ref Nothing}\n")

    async def body(lab: Any) -> None:
        with pytest.raises(TemplateError, match=r"Unresolved resource dependencies \[Nothing\]") as refused:
            await deploy(lab.sandbox, template, "s")
        assert refused.value.line == len(SAM.splitlines()) + 1
        assert str(refused.value).startswith(f"{template}:{refused.value.line}: ")

    play(body)


def test_failed_resource_is_told_with_its_reason_and_line(play: Any, project: Path) -> None:
    template = project / "plain.yaml"
    template.write_text(
        "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: 1\n      Colour: red\n"
    )

    async def body(lab: Any) -> None:
        with pytest.raises(DeployError, match="stack s failed: ROLLBACK_COMPLETE") as failed:
            await deploy(lab.sandbox, template, "s")
        assert f"Queue (AWS::SQS::Queue, {template}:6)" in str(failed.value)
        assert failed.value.reasons[0][2].endswith("[#: extraneous key [Colour] is not permitted]")
        template.write_text("Resources:\n  Queue: {Type: AWS::SQS::Queue}\n")
        assert "Queue" in (await deploy(lab.sandbox, template, "s")).resources  # what failed is begun anew

    play(body)


def test_nested_template_is_packaged_too(play: Any, project: Path) -> None:
    (project / "outer.yaml").write_text(
        "Resources:\n  In: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: template.yaml}}\n"
        "Outputs: {Url: {Value: !GetAtt In.Outputs.Url}}\n"
    )

    async def body(lab: Any) -> None:
        stack = await deploy(lab.sandbox, project / "outer.yaml", "s")
        assert "lambda-url" in stack["Url"]

    play(body)


def test_local_path_sent_to_the_api_is_refused_there(play: Any) -> None:
    template = (
        "Resources:\n  F:\n    Type: AWS::Lambda::Function\n"
        "    Properties: {Code: src/, Role: 'arn:aws:iam::000000000000:role/r', Runtime: python3.12, Handler: a.b}\n"
    )

    async def body(lab: Any) -> None:
        stack = await lab.create(template)
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert "#/Code: expected type: JSONObject, found: String" in await lab.reason("F")

    play(body)


@pytest.mark.parametrize(
    ("properties", "wrong"),
    [
        ("Name: {a: 1}, AuthenticationType: API_KEY", "#/Name: expected type: String, found: JSONObject"),
        ("Name: [a], AuthenticationType: API_KEY", "#/Name: expected type: String, found: JSONArray"),
    ],
)
def test_an_object_or_a_list_is_no_text(play: Any, properties: str, wrong: str) -> None:
    template = f"Resources:\n  Api: {{Type: AWS::AppSync::GraphQLApi, Properties: {{{properties}}}}}\n"

    async def body(lab: Any) -> None:
        assert (await lab.create(template))["StackStatus"] == "ROLLBACK_COMPLETE"
        assert wrong in await lab.reason("Api")

    play(body)


def test_documents_and_json_maps_become_text_and_an_environment_does_not() -> None:
    policy: dict[str, Any] = {"Statement": []}
    assert to_params("apigateway", "CreateRestApi", {"Name": "a", "Policy": policy})["policy"] == json.dumps(
        policy
    )
    parameters = {"ApiId": "a", "IntegrationType": "AWS_PROXY", "RequestParameters": {"MessageBody": policy}}
    made = to_params("apigatewayv2", "CreateIntegration", parameters)
    assert made["RequestParameters"] == {"MessageBody": json.dumps(policy)}
    with pytest.raises(
        PropertyError, match="#/Environment/Variables/A: expected type: String, found: JSONArray"
    ):
        to_params("lambda", "CreateFunction", {"Environment": {"Variables": {"A": [1]}}})
