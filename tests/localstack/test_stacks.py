"""Stacks over both backends, and stories whose answers come at the same instants as without LocalStack."""

from __future__ import annotations

import functools
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.app import open_sandbox
from sandbox.control.cloudformation.deploy import deploy
from sandbox.stories.handle import SandboxHandle
from sandbox.stories.loading import load_stories
from sandbox.stories.runner import Workshop, run_story

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SEEDS = itertools.count(1000)  # names are drawn from the seed: each run has its own in the one LocalStack
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Bucket: {Type: AWS::S3::Bucket}
  Teller:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.handler
      CodeUri: src
      FunctionUrlConfig: {AuthType: NONE}
      Environment: {Variables: {QUEUE: !Ref Queue}}
      Policies: [{SQSSendMessagePolicy: {QueueName: !GetAtt Queue.QueueName}}]
Outputs:
  Url: {Value: !GetAtt TellerUrl.FunctionUrl}
  QueueUrl: {Value: !Ref Queue}
  Bucket: {Value: !Ref Bucket}
  Role: {Value: !Ref TellerRole}
"""
HANDLER = """
import os
import boto3

def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="from the function")
    return {"statusCode": 200, "body": "told"}
"""


@pytest.mark.sandbox(clock="real")
def test_a_stack_has_resources_in_both(
    sandbox: SandboxHandle, directly: Callable[[str], Any], tmp_path: Path
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text(HANDLER)
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE)
    outputs = sandbox.deploy(template, stack="both")
    name = outputs["QueueUrl"].rpartition("/")[2]
    there = directly("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    assert directly("iam").get_role(RoleName=outputs["Role"])
    with sandbox.http() as client:
        assert client.get(outputs["Url"]).text == "told"
    (message,) = directly("sqs").receive_message(QueueUrl=there, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "from the function"
    stacks = sandbox.client("cloudformation")
    stacks.delete_stack(StackName="both")
    stacks.get_waiter("stack_delete_complete").wait(StackName="both", WaiterConfig={"Delay": 1})
    with pytest.raises(ClientError, match="NonExistentQueue"):
        directly("sqs").get_queue_url(QueueName=name)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        directly("s3").list_objects_v2(Bucket=outputs["Bucket"])


WORKER = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Jobs: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 60}}
  Done: {Type: AWS::SQS::Queue}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      Timeout: 10
      Environment: {Variables: {QUEUE: !Ref Done}}
      Events: {Job: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, BatchSize: 10}}}
Outputs:
  Jobs: {Value: !Ref Jobs}
  Done: {Value: !Ref Done}
"""
WORKS = """
import os
import boto3

def handler(event, context):
    for record in event["Records"]:
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=record["body"].upper())
"""


@pytest.mark.sandbox(clock="real")
def test_a_function_is_given_the_messages_of_localstacks_queue(
    sandbox: SandboxHandle, directly: Callable[[str], Any], tmp_path: Path
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text(WORKS)
    template = tmp_path / "template.yaml"
    template.write_text(WORKER.replace("python3.11", "python{}.{}".format(*sys.version_info[:2])))
    outputs = sandbox.deploy(template, stack="worker")
    there = directly("sqs")
    jobs, done = (
        there.get_queue_url(QueueName=outputs[name].rpartition("/")[2])["QueueUrl"]
        for name in ("Jobs", "Done")
    )
    for text in ("one", "two"):
        there.send_message(QueueUrl=jobs, MessageBody=text)
    found: set[str] = set()
    while len(found) < 2:
        answer = there.receive_message(QueueUrl=done, WaitTimeSeconds=20)
        assert answer.get("Messages"), f"only {found} came"
        found |= {message["Body"] for message in answer["Messages"]}
    assert found == {"ONE", "TWO"}
    for _ in range(100):
        counts = there.get_queue_attributes(QueueUrl=jobs, AttributeNames=["All"])["Attributes"]
        if counts["ApproximateNumberOfMessagesNotVisible"] == "0":
            break
        time.sleep(0.1)
    assert counts["ApproximateNumberOfMessages"] == counts["ApproximateNumberOfMessagesNotVisible"] == "0"


@pytest.mark.parametrize(
    "which",
    [
        ("rest_api_timeout", "slow-python"),
        ("function_url_streaming", None),
        ("websocket_api", None),
        ("http_api_buffered_sse", None),
    ],
    ids=lambda which: which[0],
)
def test_a_story_ends_as_it_does_with_moto_alone(localstack: str, which: tuple[str, str | None]) -> None:
    stories = [
        one for file in sorted((SCENARIOS / which[0]).glob("*.story.yaml")) for one in load_stories(file)
    ]
    story = next(one for one in stories if which[1] in (None, one.id))
    opened = functools.partial(open_sandbox, localstack_url=localstack, seed=next(SEEDS))
    result = run_story(story, workshop=Workshop(opened, deploy))
    assert not result.failures
    assert result.passed
