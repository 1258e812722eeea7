"""Services that LocalStack has are its own, whoever looks; the others stay the sandbox's."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.stories.handle import SandboxHandle

Directly = Callable[[str], Any]
REAL = pytest.mark.sandbox(clock="real")
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def unique(name: str) -> str:
    """A name that no other test has taken: LocalStack forgets nothing."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


@REAL
def test_a_queue_is_localstacks_and_its_url_leads_to_the_sandbox(
    sandbox: SandboxHandle, directly: Directly
) -> None:
    name = unique("queue")
    sqs, there = sandbox.client("sqs"), directly("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url == f"{sandbox.endpoint}/000000000000/{name}"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    there.send_message(QueueUrl=there.get_queue_url(QueueName=name)["QueueUrl"], MessageBody="from there")
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "from there"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    with pytest.raises(ClientError, match="NonExistentQueue"):
        sqs.get_queue_url(QueueName=unique("none"))


@REAL
def test_a_topic_delivers_to_a_queue(sandbox: SandboxHandle) -> None:
    sqs, sns = sandbox.client("sqs"), sandbox.client("sns")
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="hello")
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hello"
    with pytest.raises(ClientError, match="SNS subscriptions of Lambda functions"):
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint="arn:aws:lambda:us-east-1:0:function:f")


def test_objects_pass_byte_by_byte(sandbox: SandboxHandle, directly: Directly) -> None:
    s3, bucket = sandbox.client("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    key = "a b/../ü%2f+&.txt"
    s3.put_object(Bucket=bucket, Key=key, Body=b"\x1f\x8b\x00not gzip", ContentEncoding="gzip")
    found = directly("s3").get_object(Bucket=bucket, Key=key)
    assert found["Body"].read() == b"\x1f\x8b\x00not gzip"
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 11
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    empty = s3.put_object(Bucket=bucket, Key="empty")
    assert empty["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_bucket_in_the_host_and_a_presigned_url(sandbox: SandboxHandle) -> None:
    s3, bucket = sandbox.client("s3", config=Config(signature_version="s3v4")), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    wanted = {"Bucket": bucket, "Key": "a&b c", "Metadata": {"who": "me"}}
    url = s3.generate_presigned_url("put_object", Params=wanted)
    assert httpx.put(url, content=b"presigned", trust_env=False, headers={"x-amz-meta-who": "me"}).is_success
    found = s3.get_object(Bucket=bucket, Key="a&b c")
    assert (found["Body"].read(), found["Metadata"]) == (b"presigned", {"who": "me"})
    assert httpx.put(f"{url}0", content=b"forged", trust_env=False).status_code == 403
    with sandbox.http() as client:
        read = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a&b c"})
        assert client.get(read).content == b"presigned"


def test_a_user_of_localstacks_iam_is_let_in_by_its_key_alone(sandbox: SandboxHandle) -> None:
    iam, name = sandbox.client("iam"), unique("user")
    user = iam.create_user(UserName=name)["User"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    mine = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert sandbox.client("sts", **mine).get_caller_identity()["Arn"] == user["Arn"]
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        sandbox.client("sts", **{**mine, "aws_secret_access_key": "wrong"}).get_caller_identity()
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sandbox.client("sts", **mine).get_caller_identity()


def test_parameters_secrets_and_logs(sandbox: SandboxHandle, directly: Directly) -> None:
    name = unique("thing")
    sandbox.client("ssm").put_parameter(Name=name, Value="v", Type="String")
    assert directly("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "v"
    sandbox.client("secretsmanager").create_secret(Name=name, SecretString="s")
    assert directly("secretsmanager").get_secret_value(SecretId=name)["SecretString"] == "s"
    sandbox.client("logs").create_log_group(logGroupName=name)
    groups = directly("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert [group["logGroupName"] for group in groups] == [name]


def test_what_does_not_answer_a_real_call_is_motos_and_the_status_says_why(
    sandbox: SandboxHandle, directly: Directly
) -> None:
    works = True
    try:
        directly("dynamodb").list_tables()
    except ClientError:  # the program behind it has to be downloaded
        works = False
    sandbox.client("dynamodb").list_tables()
    backend = sandbox.status()["backend"]
    assert ("dynamodb" in backend["localstack"]) is works
    assert ("dynamodb" in backend["moto"]) is not works
    assert "apigatewayv2" not in backend["localstack"]


def test_on_the_virtual_clock_queues_live_on_it(sandbox: SandboxHandle, directly: Directly) -> None:
    sqs, name = sandbox.client("sqs"), unique("queue")
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=url)["Messages"]
    assert not sqs.receive_message(QueueUrl=url).get("Messages")
    sandbox.advance(31)
    assert sqs.receive_message(QueueUrl=url)["Messages"]
    assert "virtual" in sandbox.status()["backend"]["moto"]["sqs"]
    assert not directly("sqs").list_queues(QueueNamePrefix=name).get("QueueUrls")
