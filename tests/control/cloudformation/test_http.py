"""Over HTTP, by unmodified clients: boto3 with its waiters and paginators."""

from __future__ import annotations

import asyncio
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run

TEMPLATE = """
Description: A queue
Parameters: {Secret: {Type: String, NoEcho: true, Default: hidden, Description: says nothing}}
Resources: {Queue: {Type: AWS::SQS::Queue, Metadata: {a: 1}}}
Outputs: {Url: {Value: !Ref Queue, Description: "<where> & how"}}
"""


def with_boto3(body: Any) -> None:
    """Run blocking client code in a thread, against a sandbox on the real clock."""

    async def main(clock: Clock) -> None:
        async with open_sandbox(clock) as sandbox:
            session = boto3.Session("test", "test", region_name="us-east-1")
            client = session.client("cloudformation", endpoint_url=sandbox.endpoint)
            await asyncio.to_thread(body, client)

    run(main, "real")


def test_waiters_find_the_stack_done_at_their_first_look() -> None:
    def body(client: Any) -> None:
        stack_id = client.create_stack(StackName="s", TemplateBody=TEMPLATE)["StackId"]
        once = {"Delay": 1, "MaxAttempts": 1}
        client.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig=once)
        stack = client.describe_stacks(StackName="s")["Stacks"][0]
        assert stack["StackId"] == stack_id
        assert stack["Description"] == "A queue"
        assert stack["Parameters"] == [{"ParameterKey": "Secret", "ParameterValue": "****"}]
        assert stack["Outputs"][0]["Description"] == "<where> & how"
        tags = [{"Key": "team", "Value": "chat"}]
        client.update_stack(StackName="s", UsePreviousTemplate=True, Tags=tags)
        client.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig=once)
        assert client.describe_stacks(StackName="s")["Stacks"][0]["Tags"] == tags
        client.delete_stack(StackName="s")
        client.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=once)
        pages = client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        statuses = [e["ResourceStatus"] for page in pages for e in page["StackEvents"]]
        assert statuses[0] == "DELETE_COMPLETE"

    with_boto3(body)


def test_errors_have_aws_codes() -> None:
    def body(client: Any) -> None:
        client.create_stack(StackName="s", TemplateBody=TEMPLATE)
        with pytest.raises(client.exceptions.AlreadyExistsException, match=r"Stack \[s\] already exists"):
            client.create_stack(StackName="s", TemplateBody=TEMPLATE)
        with pytest.raises(ClientError) as refused:
            client.describe_stacks(StackName="none")
        assert refused.value.response["Error"] == {
            "Type": "Sender",
            "Code": "ValidationError",
            "Message": "Stack with id none does not exist",
        }
        with pytest.raises(
            ClientError, match="The sandbox does not emulate cloudformation:ListTypes"
        ) as refused:
            client.list_types()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501

    with_boto3(body)


def test_templates_are_shown_and_summed_up() -> None:
    def body(client: Any) -> None:
        client.create_stack(StackName="s", TemplateBody=TEMPLATE)
        assert client.get_template(StackName="s")["TemplateBody"] == TEMPLATE
        summary = client.get_template_summary(TemplateBody=TEMPLATE)
        assert summary["ResourceTypes"] == ["AWS::SQS::Queue"]
        parameter = summary["Parameters"][0]
        assert (parameter["ParameterKey"], parameter["NoEcho"]) == ("Secret", True)
        found = client.validate_template(TemplateBody=TEMPLATE)
        assert found["Parameters"][0]["Description"] == "says nothing"
        detail = client.describe_stack_resource(StackName="s", LogicalResourceId="Queue")[
            "StackResourceDetail"
        ]
        assert detail["Metadata"] == '{"a": 1}'

    with_boto3(body)
