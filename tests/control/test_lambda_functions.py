"""Functions through boto3: their whole life, and what AWS refuses."""

from __future__ import annotations

import base64
import hashlib
import io
import urllib.request
import zipfile
from typing import Any

import pytest

from sandbox.aws.errors import AwsError
from sandbox.control.shims.lambda_.package import check
from tests.control.helpers import ROLE, create, lenient, refused, zip_of

ARN = "arn:aws:lambda:us-east-1:000000000000:function:chat"


def test_create_answers_as_aws(served: Any) -> None:
    package = zip_of(index_js="x")
    made = create(served.client("lambda"), Code={"ZipFile": package}, Environment={"Variables": {"A": "1"}})
    made.pop("ResponseMetadata")
    assert made.pop("RevisionId")
    assert made.pop("LastModified").startswith("2026-11-24T")
    assert made == {
        "Architectures": ["x86_64"],
        "CodeSha256": base64.b64encode(hashlib.sha256(package).digest()).decode(),
        "CodeSize": len(package),
        "Description": "",
        "Environment": {"Variables": {"A": "1"}},
        "EphemeralStorage": {"Size": 512},
        "FunctionArn": ARN,
        "FunctionName": "chat",
        "Handler": "index.handler",
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/chat"},
        "MemorySize": 128,
        "PackageType": "Zip",
        "Role": ROLE,
        "Runtime": "nodejs24.x",
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "Timeout": 3,
        "TracingConfig": {"Mode": "PassThrough"},
        "Version": "$LATEST",
    }


def test_waiters_pass_at_once(served: Any, function: str) -> None:
    client = served.client("lambda")
    for waiter in ("function_exists", "function_active_v2", "function_updated_v2"):
        client.get_waiter(waiter).wait(FunctionName=function, WaiterConfig={"MaxAttempts": 1})
    changed = client.update_function_configuration(FunctionName=function, Timeout=10)
    assert changed["LastUpdateStatus"] == "InProgress"
    client.get_waiter("function_updated_v2").wait(FunctionName=function, WaiterConfig={"MaxAttempts": 1})
    found = client.get_function_configuration(FunctionName=function)
    assert (found["State"], found["LastUpdateStatus"], found["Timeout"]) == ("Active", "Successful", 10)


@pytest.mark.parametrize("name", ["chat", ARN, "000000000000:function:chat", f"{ARN}:$LATEST"])
def test_names_and_arns(served: Any, function: str, name: str) -> None:
    assert served.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionName"] == "chat"


def test_code_can_be_fetched(served: Any, function: str) -> None:
    location = served.client("lambda").get_function(FunctionName=function)["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    assert archive.namelist() == ["index.py"]


def test_code_from_s3(served: Any) -> None:
    s3, package = served.client("s3"), zip_of(index_js="s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="chat.zip", Body=package)
    made = create(served.client("lambda"), Code={"S3Bucket": "code", "S3Key": "chat.zip"})
    assert made["CodeSize"] == len(package)
    status, code, message = refused(
        served.client("lambda").update_function_code, FunctionName="chat", S3Bucket="code", S3Key="none"
    )
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message == (
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. "
        "S3 Error Message: The specified key does not exist."
    )


def test_update_code_changes_the_hash(served: Any, function: str) -> None:
    client = served.client("lambda")
    before = client.get_function_configuration(FunctionName=function)
    changed = client.update_function_code(FunctionName=function, ZipFile=zip_of(index_py="new"))
    assert changed["CodeSha256"] != before["CodeSha256"]
    assert changed["RevisionId"] != before["RevisionId"]
    dry = client.update_function_code(FunctionName=function, ZipFile=zip_of(index_py="dry"), DryRun=True)
    assert dry["CodeSha256"] != changed["CodeSha256"]
    assert client.get_function_configuration(FunctionName=function)["CodeSha256"] == changed["CodeSha256"]


def test_an_old_revision_is_refused(served: Any, function: str) -> None:
    status, code, _ = refused(
        served.client("lambda").update_function_configuration,
        FunctionName=function,
        Timeout=5,
        RevisionId="old",
    )
    assert (status, code) == (412, "PreconditionFailedException")


def test_delete(served: Any, function: str) -> None:
    client = served.client("lambda")
    assert client.delete_function(FunctionName=function)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_function, FunctionName=function) == (
        404,
        "ResourceNotFoundException",
        f"Function not found: {ARN}",
    )
    assert refused(client.delete_function, FunctionName=function)[0] == 404


def test_a_name_can_be_taken_once(served: Any, function: str) -> None:
    assert refused(create, client=served.client("lambda")) == (
        409,
        "ResourceConflictException",
        "Function already exist: chat",
    )


def test_list_in_pages(served: Any) -> None:
    client = served.client("lambda")
    for name in ("a", "b", "c"):
        create(client, FunctionName=name)
    pages = list(client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert [[f["FunctionName"] for f in page["Functions"]] for page in pages] == [["a", "b"], ["c"]]
    assert "State" not in pages[0]["Functions"][0]


@pytest.mark.fact("4.1", "4.40")
@pytest.mark.parametrize(
    ("parameter", "value", "where", "constraint"),
    [
        ("Timeout", 901, "timeout", "Member must have value less than or equal to 900"),
        ("Timeout", 0, "timeout", "Member must have value greater than or equal to 1"),
        ("MemorySize", 10241, "memorySize", "Member must have value less than or equal to 10240"),
        ("MemorySize", 127, "memorySize", "Member must have value greater than or equal to 128"),
        ("Description", "d" * 257, "description", "Member must have length less than or equal to 256"),
        ("FunctionName", "f" * 65, "functionName", "Member must have length less than or equal to 64"),
        (
            "FunctionName",
            f"{ARN}{'f' * 90}",
            "functionName",
            "Member must have length less than or equal to 140",
        ),
        ("PackageType", "Tar", "packageType", "Member must satisfy enum value set: [Zip, Image]"),
    ],
)
def test_values_out_of_bounds(served: Any, parameter: str, value: Any, where: str, constraint: str) -> None:
    status, code, message = refused(create, client=lenient(served), **{parameter: value})
    assert (status, code) == (400, "ValidationException")
    assert message == (
        f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: {constraint}"
    )


def test_the_longest_name_is_taken(served: Any) -> None:
    assert create(served.client("lambda"), FunctionName="f" * 64)["FunctionName"] == "f" * 64


def test_several_values_out_of_bounds(served: Any) -> None:
    _, _, message = refused(create, client=lenient(served), Timeout=0, MemorySize=1, FunctionName="no spaces")
    assert message.startswith("3 validation errors detected: Value 'no spaces' at 'functionName' failed")
    assert message.count("failed to satisfy constraint") == 3


def test_unknown_runtime(served: Any) -> None:
    status, code, message = refused(create, client=served.client("lambda"), Runtime="nodejs99.x")
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message.startswith(
        "Value nodejs99.x at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs, "
    )
    assert message.endswith("] or be a valid ARN")


@pytest.mark.parametrize(
    ("code", "status", "name", "message"),
    [
        (
            {"ZipFile": b"no zip"},
            400,
            "InvalidParameterValueException",
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        (
            {"ZipFile": zip_of()},
            400,
            "InvalidParameterValueException",
            "Uploaded file must be a non-empty zip",
        ),
        (
            {"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/a:b"},
            501,
            "NotImplemented",
            "The sandbox does not emulate Lambda functions from container images (PackageType Image).",
        ),
    ],
)
def test_bad_packages(served: Any, code: dict[str, Any], status: int, name: str, message: str) -> None:
    assert refused(create, client=served.client("lambda"), Code=code) == (status, name, message)


def test_a_package_over_50_mb(served: Any) -> None:
    large = bytes(52_428_801)
    status, code, message = refused(create, client=served.client("lambda"), Code={"ZipFile": large})
    assert (status, code) == (413, "RequestEntityTooLargeException")
    assert message == "Request must be smaller than 69905067 bytes for the CreateFunction operation"


@pytest.mark.fact("4.40")
def test_a_package_that_unzips_to_too_much() -> None:
    assert check(zip_of(large="x" * 100), unzipped_max=100).unzipped == 100
    with pytest.raises(AwsError, match="Unzipped size must be smaller than 99 bytes"):
        check(zip_of(large="x" * 100), unzipped_max=99)


def test_environment_variables_are_judged(served: Any) -> None:
    client = served.client("lambda")
    message = refused(create, client=client, Environment={"Variables": {"AWS_REGION": "x"}})[2]
    assert message.endswith("Reserved keys used in this request: AWS_REGION")
    message = refused(create, client=client, Environment={"Variables": {"A": "x" * 4096}})[2]
    assert "exceeded the 4KB limit" in message


def test_tags(served: Any) -> None:
    client = served.client("lambda")
    create(client, Tags={"team": "a"})
    client.tag_resource(Resource=ARN, Tags={"stage": "b"})
    client.untag_resource(Resource=ARN, TagKeys=["team"])
    assert client.list_tags(Resource=ARN)["Tags"] == {"stage": "b"}
    assert client.get_function(FunctionName="chat")["Tags"] == {"stage": "b"}
