"""Over HTTP, by unmodified clients: boto3 with its waiters and paginators."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.control.cloudformation.deploy import TemplateError, deploy_remote

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


def test_deploy_remote_packages_and_reports(tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text("def handler(event, context):\n    return 1\n")
    template = tmp_path / "template.yaml"
    template.write_text(
        "Transform: AWS::Serverless-2016-10-31\nParameters: {Seconds: {Type: Number}}\nResources:\n"
        "  F:\n    Type: AWS::Serverless::Function\n"
        "    Properties: {Runtime: python3.12, Handler: index.handler, Timeout: !Ref Seconds}\n"
        "Outputs: {Name: {Value: !Ref F}}\n"
    )

    def body(client: Any) -> None:
        endpoint = client.meta.endpoint_url
        stack = deploy_remote(endpoint, template, "s", {"Seconds": "7"})
        function = boto3.client(
            "lambda",
            "us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        assert function.get_function_configuration(FunctionName=stack["Name"])["Timeout"] == 7
        with pytest.raises(TemplateError, match=r"Parameters: \[Seconds\] must have values") as refused:
            deploy_remote(endpoint, template, "other")
        assert refused.value.line == 2

    with_boto3(body)
