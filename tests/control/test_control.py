"""The control plane from inside: calls, identities, reset, CloudFormation's place, cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import botocore.exceptions
import pytest

from sandbox.aws.errors import AwsError
from sandbox.clock import Clock, run
from sandbox.context import Sandbox
from sandbox.control import MotoControl, wire
from sandbox.control.message import Request, ask
from tests.control.helpers import ROLE, make_sandbox, zip_of

T = TypeVar("T")


def inside(body: Callable[[Sandbox, MotoControl], Awaitable[T]]) -> T:
    async def main(clock: Clock) -> T:
        sandbox = make_sandbox(clock)
        control = sandbox.control
        assert isinstance(control, MotoControl)
        with clock.in_flight("test"):
            return await body(sandbox, control)

    return run(main)


def test_calls_raise_aws_errors() -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> None:
        with pytest.raises(AwsError) as raised:
            await control.call("lambda", "GetFunction", FunctionName="none")
        error = raised.value
        assert (error.status, error.code) == (404, "ResourceNotFoundException")
        assert error.message.startswith(
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:none"
        )
        with pytest.raises(AwsError, match="NonExistentQueue"):
            await control.call("sqs", "GetQueueUrl", QueueName="none")
        with pytest.raises(AwsError, match="NoSuchEntity"):
            await control.call("iam", "GetRole", RoleName="none")
        with pytest.raises(botocore.exceptions.ParamValidationError):
            await control.call("sqs", "GetQueueUrl", Wrong=1)
        with pytest.raises(ValueError, match="sqs has no operation 'Nothing'"):
            await control.call("sqs", "Nothing")

    inside(body)


def test_calls_answer_as_botocore_does() -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> None:
        document = {"Version": "2012-10-17", "Statement": []}
        await control.call("iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=json.dumps(document))
        role = await control.call("iam", "GetRole", RoleName="r")
        assert role["Role"]["AssumeRolePolicyDocument"] == document  # decoded by botocore's own handler
        await control.call("s3", "CreateBucket", Bucket="models")
        await control.call("s3", "PutObject", Bucket="models", Key="k", Body=b"data")
        assert (await control.call("s3", "GetObject", Bucket="models", Key="k"))["Body"].read() == b"data"
        assert role["ResponseMetadata"]["HTTPStatusCode"] == 200

    inside(body)


def test_calls_are_noted() -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> list[dict[str, Any]]:
        await control.call("sqs", "ListQueues")
        with pytest.raises(AwsError):
            await control.call("lambda", "GetFunction", FunctionName="none")
        return [dict(event.data) for event in sandbox.timeline.select("control", "called")]

    first, second = inside(body)
    assert first == {"service": "sqs", "operation": "ListQueues", "status": 200}
    assert (second["service"], second["status"]) == ("lambda", 404)


def test_reset_forgets_everything() -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> None:
        await control.call("sqs", "CreateQueue", QueueName="q")
        await control.call("apigateway", "CreateRestApi", name="x")
        await control.call(
            "lambda",
            "CreateFunction",
            FunctionName="f",
            Runtime="python3.13",
            Handler="a.b",
            Role=ROLE,
            Code={"ZipFile": zip_of(a_py="")},
        )
        quota = {"ServiceCode": "lambda", "QuotaCode": "L-B99A9384"}
        await control.call("service-quotas", "RequestServiceQuotaIncrease", **quota, DesiredValue=2000)
        assert await control.resources.account_concurrency() == 2000
        await control.reset()
        assert "QueueUrls" not in await control.call("sqs", "ListQueues")
        assert (await control.call("apigateway", "GetRestApis"))["items"] == []
        assert (await control.call("lambda", "ListFunctions"))["Functions"] == []
        assert await control.resources.account_concurrency() == 1000

    inside(body)


def test_a_new_sandbox_starts_from_nothing() -> None:
    async def make(sandbox: Sandbox, control: MotoControl) -> None:
        await control.call("sqs", "CreateQueue", QueueName="q")

    async def look(sandbox: Sandbox, control: MotoControl) -> dict[str, Any]:
        return await control.call("sqs", "ListQueues")

    inside(make)
    assert "QueueUrls" not in inside(look)


def test_the_root_user() -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> None:
        root = await control.secret_for("test")
        assert root is not None
        assert (root.secret_key, root.is_root) == ("test", True)
        assert root.principal_arn == "arn:aws:iam::000000000000:root"
        assert await control.secret_for("AKIAUNKNOWN") is None
        who = await control.call("sts", "GetCallerIdentity")
        assert who["Arn"] == root.principal_arn
        assert (who["Account"], who["UserId"]) == ("000000000000", "000000000000")

    inside(body)


def test_users_with_keys_and_policies() -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> None:
        call = control.call
        own = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        shared = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}],
        }
        await call("iam", "CreateUser", UserName="ann")
        await call("iam", "PutUserPolicy", UserName="ann", PolicyName="own", PolicyDocument=json.dumps(own))
        await call("iam", "CreateGroup", GroupName="team")
        await call("iam", "AddUserToGroup", GroupName="team", UserName="ann")
        policy = await call("iam", "CreatePolicy", PolicyName="shared", PolicyDocument=json.dumps(shared))
        await call("iam", "AttachGroupPolicy", GroupName="team", PolicyArn=policy["Policy"]["Arn"])
        key = (await call("iam", "CreateAccessKey", UserName="ann"))["AccessKey"]
        found = await control.secret_for(key["AccessKeyId"])
        assert found is not None
        assert found.secret_key == key["SecretAccessKey"]
        assert found.principal_arn == "arn:aws:iam::000000000000:user/ann"
        assert found.policies == (own, shared)
        await call(
            "iam", "UpdateAccessKey", UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive"
        )
        assert await control.secret_for(key["AccessKeyId"]) is None

    inside(body)


def test_role_sessions() -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> None:
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        }
        role = await control.call("iam", "CreateRole", RoleName="service", AssumeRolePolicyDocument="{}")
        await control.call(
            "iam", "PutRolePolicy", RoleName="service", PolicyName="p", PolicyDocument=json.dumps(document)
        )
        access_key, secret, token = await control.role_credentials(role["Role"]["Arn"])
        found = await control.secret_for(access_key)
        assert found is not None
        assert (found.secret_key, found.session_token) == (secret, token)
        assert found.principal_arn == "arn:aws:sts::000000000000:assumed-role/service/lambda"
        assert found.policies == (document,)
        assert found.expires is not None
        assert (found.expires - sandbox.clock.utcnow()).total_seconds() == pytest.approx(43_200, abs=5)
        unknown = await control.role_credentials("arn:aws:iam::000000000000:role/nobody-made-it")
        assert (await control.secret_for(unknown[0])).policies == ()  # type: ignore[union-attr]

    inside(body)


def test_sessions_by_sts() -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> None:
        made = await control.call(
            "sts", "AssumeRole", RoleArn=ROLE, RoleSessionName="ann", DurationSeconds=900
        )
        assert made["AssumedRoleUser"]["Arn"] == "arn:aws:sts::000000000000:assumed-role/service/ann"
        found = await control.secret_for(made["Credentials"]["AccessKeyId"])
        assert found is not None
        assert found.session_token == made["Credentials"]["SessionToken"]
        assert made["Credentials"]["AccessKeyId"].startswith("ASIA")
        with pytest.raises(AwsError, match="session policies"):
            await control.call("sts", "AssumeRole", RoleArn=ROLE, RoleSessionName="ann", Policy="{}")
        token = await control.call("sts", "GetSessionToken")
        found = await control.secret_for(token["Credentials"]["AccessKeyId"])
        assert found is not None
        assert found.is_root
        await control.reset()
        assert await control.secret_for(token["Credentials"]["AccessKeyId"]) is None

    inside(body)


def test_policies_that_aws_manages() -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> None:
        arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        role = await control.call("iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument="{}")
        await control.call("iam", "AttachRolePolicy", RoleName="r", PolicyArn=arn)
        access_key, _, _ = await control.role_credentials(role["Role"]["Arn"])
        (policy,) = (await control.secret_for(access_key)).policies  # type: ignore[union-attr]
        assert "logs:CreateLogStream" in policy["Statement"][0]["Action"]

    inside(body)


def test_who_calls_is_told_by_the_access_key() -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> bytes:
        access_key, _, _ = await control.role_credentials(ROLE)
        credential = f"AWS4-HMAC-SHA256 Credential={access_key}/20261124/us-east-1/sts/aws4_request, x, y"
        headers = (("Authorization", credential), ("Content-Type", "application/x-www-form-urlencoded"))
        answer = await ask(
            control, Request("POST", "h", "/", "", headers, b"Action=GetCallerIdentity&Version=2011-06-15")
        )
        return answer.body

    assert b"<Arn>arn:aws:sts::000000000000:assumed-role/service/lambda</Arn>" in inside(body)


def test_importing_is_cheap() -> None:
    code = (
        "import sandbox.control, sys; "
        "print([name for name in ('moto', 'boto3', 'botocore', 'werkzeug') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_warm_request_looks_at_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> list[str]:
        url = (await control.call("sqs", "CreateQueue", QueueName="q"))["QueueUrl"]
        await control.call("dynamodb", "ListTables")
        await control.call("lambda", "ListFunctions")
        looked: list[str] = []
        stat = os.stat

        def counting(path: Any, *args: Any, **options: Any) -> os.stat_result:
            looked.append(str(path))
            return stat(path, *args, **options)

        monkeypatch.setattr(os, "stat", counting)
        await control.call("sqs", "SendMessage", QueueUrl=url, MessageBody="m")
        await control.call("dynamodb", "ListTables")
        await control.call("lambda", "ListFunctions")
        return looked

    assert inside(body) == []


def test_moto_looks_through_a_class_once() -> None:
    async def body(sandbox: Sandbox, control: MotoControl) -> None:
        import moto.core.responses

        await control.call("sns", "ListTopics")
        before = moto.core.responses.method_names_from_class.cache_info().hits  # type: ignore[attr-defined]
        await control.call("sns", "ListTopics")
        assert moto.core.responses.method_names_from_class.cache_info().hits == before + 1  # type: ignore[attr-defined]

    inside(body)


def test_a_failure_of_ours_is_an_aws_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(service: str, request: Request) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(wire, "read", broken)

    async def body(sandbox: Sandbox, control: MotoControl) -> None:
        with pytest.raises(AwsError) as raised:
            await control.call("lambda", "ListFunctions")
        assert (raised.value.status, raised.value.code) == (500, "InternalFailure")
        assert "boom" in raised.value.message
        assert next(sandbox.timeline.select("control")).data["status"] == 500

    inside(body)
