"""Custom resources: a function is asked and answers by a PUT to S3, in its own time."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

from sandbox.context import Invocation, InvocationResult

TEMPLATE = """
Resources:
  Thing: {Type: Custom::Thing, Properties: {ServiceToken: 'arn:aws:lambda:us-east-1:000000000000:function:f', N: 3}}
  Note: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !GetAtt Thing.Word}}
Outputs: {Id: {Value: !Ref Thing}}
"""


class Answering:
    """A function that answers after three seconds."""

    def __init__(self, lab: Any, status: str = "SUCCESS") -> None:
        self.lab, self.status, self.events = lab, status, []  # type: Any, str, list[dict[str, Any]]

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        event = json.loads(invocation.payload)
        self.events.append(event)
        self.lab.sandbox.spawn(self._answer(event), "function")
        return InvocationResult(202, b"", None, "$LATEST", "r")

    async def _answer(self, event: dict[str, Any]) -> None:
        await asyncio.sleep(3)
        where = urlsplit(event["ResponseURL"])
        bucket = str(where.hostname).removesuffix(".s3.amazonaws.com")
        answer = {
            "Status": self.status if event["RequestType"] == "Create" else "SUCCESS",
            "Reason": "out of things",
            "PhysicalResourceId": "thing-1",
            "Data": {"Word": "hello"},
        }
        await self.lab.aws(
            "s3", "PutObject", Bucket=bucket, Key=where.path[1:], Body=json.dumps(answer).encode()
        )


def test_answer_becomes_attributes(play: Any) -> None:
    async def body(lab: Any) -> None:
        function = lab.sandbox.lambda_ = Answering(lab)
        stack = await lab.create(TEMPLATE)
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        assert lab.outputs(stack)["Id"] == "thing-1"
        name = await lab.physical("Note")
        assert (await lab.aws("ssm", "GetParameter", Name=name))["Parameter"]["Value"] == "hello"
        assert 3.0 <= lab.sandbox.clock.now() < 8.5
        await lab.delete()
        kinds = [(e["RequestType"], e.get("PhysicalResourceId")) for e in function.events]
        assert kinds == [("Create", None), ("Delete", "thing-1")]
        assert function.events[0]["ResourceProperties"]["N"] == "3"  # scalars arrive as text

    play(body)


def test_refusal_fails_the_stack(play: Any) -> None:
    async def body(lab: Any) -> None:
        lab.sandbox.lambda_ = Answering(lab, "FAILED")
        assert (await lab.create(TEMPLATE))["StackStatus"] == "ROLLBACK_COMPLETE"
        assert (await lab.reason("Thing")).endswith("Message returned: out of things")

    play(body)


def test_nested_stack_is_followed_and_says_why_it_failed(play: Any) -> None:
    outer = """
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: 'https://s3.amazonaws.com/templates/inner.yaml'}
"""

    async def body(lab: Any) -> None:
        lab.sandbox.lambda_ = Answering(lab, "FAILED")
        await lab.aws("s3", "CreateBucket", Bucket="templates")
        await lab.aws("s3", "PutObject", Bucket="templates", Key="inner.yaml", Body=TEMPLATE.encode())
        assert (await lab.create(outer))["StackStatus"] == "ROLLBACK_COMPLETE"
        reason = await lab.reason("Inner")
        assert reason.endswith(
            "was not successfully created: The following resource(s) failed to create: [Thing]. "
        )
        events = (await lab.cfn("DescribeStackEvents", StackName="s"))["StackEvents"]
        (begun,) = [e for e in events if e.get("ResourceStatusReason") == "Resource creation Initiated"]
        nested = (await lab.cfn("DescribeStackEvents", StackName=begun["PhysicalResourceId"]))["StackEvents"]
        failed = next(e for e in nested if e["ResourceStatus"] == "CREATE_FAILED")
        assert (
            failed["Timestamp"] - begun["Timestamp"]
        ).total_seconds() >= 3  # the CDK follows it from there on

    play(body)
