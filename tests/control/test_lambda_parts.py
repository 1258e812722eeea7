"""Versions, aliases, layers, policies, URLs, concurrency and event settings through boto3."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from tests.control.helpers import create, refused, zip_of

ARN = "arn:aws:lambda:us-east-1:000000000000:function:chat"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:failed"


def test_versions_freeze_code_and_configuration(served: Any, function: str) -> None:
    client = served.client("lambda")
    first = client.publish_version(FunctionName=function, Description="first")
    assert (first["Version"], first["FunctionArn"], first["Description"]) == ("1", f"{ARN}:1", "first")
    assert client.publish_version(FunctionName=function)["Version"] == "1"  # nothing changed
    client.update_function_configuration(FunctionName=function, Timeout=20)
    assert client.publish_version(FunctionName=function)["Version"] == "2"
    assert client.get_function_configuration(FunctionName=function, Qualifier="1")["Timeout"] == 3
    assert client.get_function_configuration(FunctionName=f"{function}:2")["Timeout"] == 20
    versions = client.list_versions_by_function(FunctionName=function)["Versions"]
    assert [v["Version"] for v in versions] == ["$LATEST", "1", "2"]
    assert versions[0]["FunctionArn"] == f"{ARN}:$LATEST"
    client.delete_function(FunctionName=function, Qualifier="1")
    assert (
        refused(client.get_function, FunctionName=function, Qualifier="1")[2]
        == f"Function not found: {ARN}:1"
    )


def test_publish_with_code(served: Any) -> None:
    client = served.client("lambda")
    made = create(client, Publish=True)
    assert (made["Version"], made["FunctionArn"]) == ("1", f"{ARN}:1")
    changed = client.update_function_code(FunctionName="chat", ZipFile=zip_of(index_js="2"), Publish=True)
    assert changed["Version"] == "2"
    assert (
        refused(client.publish_version, FunctionName="chat", CodeSha256="x")[1]
        == "InvalidParameterValueException"
    )


def test_aliases(served: Any, function: str) -> None:
    client = served.client("lambda")
    client.publish_version(FunctionName=function)
    client.update_function_configuration(FunctionName=function, Timeout=9)
    client.publish_version(FunctionName=function)
    made = client.create_alias(FunctionName=function, Name="live", FunctionVersion="1", Description="d")
    assert (made["AliasArn"], made["FunctionVersion"]) == (f"{ARN}:live", "1")
    found = client.get_function_configuration(FunctionName=function, Qualifier="live")
    assert (found["FunctionArn"], found["Version"], found["Timeout"]) == (f"{ARN}:live", "1", 3)
    client.update_alias(
        FunctionName=function, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}}
    )
    alias = client.get_alias(FunctionName=function, Name="live")
    assert alias["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.25}}
    assert [
        a["Name"] for a in client.list_aliases(FunctionName=function, FunctionVersion="2")["Aliases"]
    ] == ["live"]
    assert refused(client.create_alias, FunctionName=function, Name="live", FunctionVersion="1") == (
        409,
        "ResourceConflictException",
        f"Alias already exists: {ARN}:live",
    )
    assert refused(client.create_alias, FunctionName=function, Name="x", FunctionVersion="9")[2] == (
        f"Function not found: {ARN}:9"
    )
    assert refused(client.delete_function, FunctionName=function, Qualifier="1")[0] == 409
    client.delete_alias(FunctionName=function, Name="live")
    assert (
        refused(client.get_alias, FunctionName=function, Name="live")[2]
        == f"Cannot find alias arn: {ARN}:live"
    )


def test_latest_takes_no_weights(served: Any, function: str) -> None:
    client = served.client("lambda")
    client.publish_version(FunctionName=function)
    message = refused(
        client.create_alias,
        FunctionName=function,
        Name="canary",
        FunctionVersion="$LATEST",
        RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}},
    )[2]
    assert message == "$LATEST is not supported for an alias pointing to more than 1 version"


def test_layers(served: Any) -> None:
    client = served.client("lambda")
    package = zip_of(**{"nodejs/a_js": "1"})
    made = client.publish_layer_version(
        LayerName="deps", Content={"ZipFile": package}, CompatibleRuntimes=["nodejs24.x"], Description="d"
    )
    layer = "arn:aws:lambda:us-east-1:000000000000:layer:deps"
    assert (made["LayerArn"], made["LayerVersionArn"], made["Version"]) == (layer, f"{layer}:1", 1)
    with urllib.request.urlopen(made["Content"]["Location"]) as answer:
        assert answer.read() == package
    assert client.get_layer_version_by_arn(Arn=f"{layer}:1")["Content"]["CodeSize"] == len(package)
    function = create(client, Layers=[f"{layer}:1"])
    assert function["Layers"] == [{"Arn": f"{layer}:1", "CodeSize": len(package)}]
    client.delete_layer_version(LayerName="deps", VersionNumber=1)
    assert served.ask(served.control.resources.function("chat")).layers == ((f"{layer}:1", package),)
    assert refused(client.get_layer_version, LayerName="deps", VersionNumber=1)[0] == 404
    again = client.publish_layer_version(LayerName="deps", Content={"ZipFile": package})
    assert again["Version"] == 2  # numbers are not used again
    assert client.list_layers()["Layers"][0]["LatestMatchingVersion"]["Version"] == 2
    assert client.list_layers(CompatibleRuntime="python3.13")["Layers"] == []
    assert [v["Version"] for v in client.list_layer_versions(LayerName="deps")["LayerVersions"]] == [2]


def test_layers_that_cannot_be(served: Any, function: str) -> None:
    client = served.client("lambda")
    layer = "arn:aws:lambda:us-east-1:000000000000:layer:none:1"
    message = refused(client.update_function_configuration, FunctionName=function, Layers=[layer])[2]
    assert message == f"Layer version {layer} does not exist."
    foreign = "arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerX86:25"
    status, _, message = refused(
        client.update_function_configuration, FunctionName=function, Layers=[foreign]
    )
    assert status == 501
    assert foreign in message
    client.publish_layer_version(LayerName="deps", Content={"ZipFile": zip_of(a="1")})
    client.publish_layer_version(LayerName="deps", Content={"ZipFile": zip_of(a="2")})
    both = [f"arn:aws:lambda:us-east-1:000000000000:layer:deps:{n}" for n in (1, 2)]
    message = refused(client.update_function_configuration, FunctionName=function, Layers=both)[2]
    assert message.startswith("Two different versions of the same layer are not allowed")


def test_layer_permissions(served: Any) -> None:
    client = served.client("lambda")
    client.publish_layer_version(LayerName="deps", Content={"ZipFile": zip_of(a="1")})
    client.add_layer_version_permission(
        LayerName="deps", VersionNumber=1, StatementId="all", Action="lambda:GetLayerVersion", Principal="*"
    )
    policy = json.loads(client.get_layer_version_policy(LayerName="deps", VersionNumber=1)["Policy"])
    assert policy["Statement"][0]["Resource"] == "arn:aws:lambda:us-east-1:000000000000:layer:deps:1"
    client.remove_layer_version_permission(LayerName="deps", VersionNumber=1, StatementId="all")
    assert refused(client.get_layer_version_policy, LayerName="deps", VersionNumber=1)[0] == 404


def test_policies_by_qualifier(served: Any, function: str) -> None:
    client = served.client("lambda")
    client.publish_version(FunctionName=function)
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    made = client.add_permission(
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn="arn:aws:execute-api:us-east-1:000000000000:abc/*",
        SourceAccount="000000000000",
        Qualifier="live",
    )
    assert json.loads(made["Statement"]) == {
        "Sid": "api",
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"{ARN}:live",
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "000000000000"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:us-east-1:000000000000:abc/*"},
        },
    }
    assert refused(client.get_policy, FunctionName=function) == (
        404,
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )
    policy = json.loads(client.get_policy(FunctionName=function, Qualifier="live")["Policy"])
    assert policy["Id"] == "default"
    (statement,) = served.ask(served.control.resources.function_policy("chat", "live"))
    assert (statement.sid, statement.action) == ("api", ("lambda:InvokeFunction",))
    client.remove_permission(FunctionName=function, StatementId="api", Qualifier="live")
    assert served.ask(served.control.resources.function_policy("chat", "live")) == ()


@pytest.mark.fact("4.11")
def test_permissions_of_a_public_url(served: Any, function: str) -> None:
    client = served.client("lambda")
    client.add_permission(
        FunctionName=function,
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    client.add_permission(
        FunctionName=function,
        StatementId="invoke",
        Action="lambda:InvokeFunction",
        Principal="*",
        InvokedViaFunctionUrl=True,
    )
    url, invoke = served.ask(served.control.resources.function_policy("chat"))
    assert url.principal == "*"
    assert url.condition == {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
    assert invoke.condition == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    again = {
        "FunctionName": function,
        "StatementId": "url",
        "Action": "lambda:InvokeFunction",
        "Principal": "*",
    }
    status, code, message = refused(client.add_permission, **again)
    assert (status, code) == (409, "ResourceConflictException")
    assert message.startswith("The statement id (url) provided already exists.")
    assert refused(client.remove_permission, FunctionName=function, StatementId="none")[2] == (
        "Statement none is not found in resource policy."
    )


@pytest.mark.fact("4.7")
def test_function_urls(served: Any, function: str) -> None:
    client = served.client("lambda")
    client.publish_version(FunctionName=function)
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    made = client.create_function_url_config(
        FunctionName=function, AuthType="AWS_IAM", Cors={"AllowOrigins": ["*"], "MaxAge": 60}
    )
    url_id = made["FunctionUrl"].split("//")[1].split(".")[0]
    assert len(url_id) == 32
    assert made["FunctionUrl"] == f"http://{url_id}.lambda-url.us-east-1.localhost:{served.port}/"
    assert (made["FunctionArn"], made["InvokeMode"]) == (ARN, "BUFFERED")
    assert refused(client.create_function_url_config, FunctionName=function, AuthType="NONE") == (
        409,
        "ResourceConflictException",
        f"Failed to create function url config for [functionArn = {ARN}]. Error message:  FunctionUrlConfig exists "
        "for this Lambda function",
    )
    client.create_function_url_config(
        FunctionName=function, Qualifier="live", AuthType="NONE", InvokeMode="RESPONSE_STREAM"
    )
    found = client.list_function_url_configs(FunctionName=function)["FunctionUrlConfigs"]
    assert [c["FunctionArn"] for c in found] == [ARN, f"{ARN}:live"]
    client.update_function_url_config(FunctionName=function, InvokeMode="RESPONSE_STREAM")
    read = served.ask(served.control.resources.function_url(url_id))
    assert (read.function, read.qualifier, read.auth_type, read.invoke_mode) == (
        "chat",
        None,
        "AWS_IAM",
        "RESPONSE_STREAM",
    )
    assert read.cors.allow_origins == ("*",)
    assert read.cors.max_age == 60
    client.delete_function_url_config(FunctionName=function)
    assert served.ask(served.control.resources.function_url(url_id)) is None
    assert refused(client.get_function_url_config, FunctionName=function)[:2] == (
        404,
        "ResourceNotFoundException",
    )
    assert client.get_function_url_config(FunctionName=function, Qualifier="live")["AuthType"] == "NONE"


def test_a_url_needs_an_alias_that_exists(served: Any, function: str) -> None:
    client = served.client("lambda")
    create_url = client.create_function_url_config
    assert refused(create_url, FunctionName=function, Qualifier="none", AuthType="NONE")[0] == 404
    status, code, message = refused(create_url, FunctionName=function, Qualifier="1", AuthType="NONE")
    assert (status, code) == (400, "ValidationException")
    assert "Value '1' at 'qualifier' failed to satisfy constraint" in message


@pytest.mark.fact("4.21")
def test_reserved_concurrency(served: Any, function: str) -> None:
    client = served.client("lambda")
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=function)
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=900)
    assert served.ask(served.control.resources.function("chat")).reserved_concurrency == 900
    limits = client.get_account_settings()["AccountLimit"]
    assert (limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]) == (1000, 100)
    assert refused(client.put_function_concurrency, FunctionName=function, ReservedConcurrentExecutions=901)[
        2
    ] == (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
        "its minimum value of [100]."
    )
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    assert client.get_function(FunctionName=function)["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    client.delete_function_concurrency(FunctionName=function)
    assert served.ask(served.control.resources.function("chat")).reserved_concurrency is None


@pytest.mark.fact("4.25")
def test_event_invoke_configuration(served: Any, function: str) -> None:
    client = served.client("lambda")
    assert refused(client.get_function_event_invoke_config, FunctionName=function)[2] == (
        f"The function {ARN}:$LATEST doesn't have an EventInvokeConfig"
    )
    client.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    client.update_function_event_invoke_config(
        FunctionName=function, DestinationConfig={"OnFailure": {"Destination": QUEUE}}
    )
    found = client.get_function_event_invoke_config(FunctionName=function)
    assert (found["FunctionArn"], found["MaximumRetryAttempts"]) == (f"{ARN}:$LATEST", 0)
    read = served.ask(served.control.resources.function("chat"))
    assert (read.retry_attempts, read.max_event_age_s, read.on_failure) == (0, 21_600, QUEUE)
    client.put_function_event_invoke_config(FunctionName=function, MaximumEventAgeInSeconds=60)
    read = served.ask(served.control.resources.function("chat"))
    assert (read.retry_attempts, read.max_event_age_s, read.on_failure) == (2, 60, None)
    client.delete_function_event_invoke_config(FunctionName=function)
    assert (
        client.list_function_event_invoke_configs(FunctionName=function)["FunctionEventInvokeConfigs"] == []
    )


def test_reading_follows_aliases_with_their_weights(served: Any, function: str) -> None:
    client, resources = served.client("lambda"), served.control.resources
    client.publish_version(FunctionName=function)
    client.update_function_configuration(FunctionName=function, Timeout=9)
    client.publish_version(FunctionName=function)
    client.create_alias(
        FunctionName=function,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}},
    )
    drawn = [served.ask(resources.function(f"{ARN}:live")).version for _ in range(400)]
    assert 60 < drawn.count("2") < 140
    assert served.ask(resources.function("chat", "none")) is None
    assert served.ask(resources.function("none")) is None


def test_reading_does_not_copy_code(served: Any, function: str) -> None:
    resources = served.control.resources
    first, second = (served.ask(resources.function("chat")) for _ in range(2))
    assert first.code_zip is second.code_zip
    assert first.revision == second.revision
    served.client("lambda").update_function_configuration(FunctionName=function, Timeout=4)
    assert served.ask(resources.function("chat")).revision != first.revision
