"""Stacks over both backends, and stories whose answers come at the same instants as without LocalStack."""

from __future__ import annotations

import functools
import itertools
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
