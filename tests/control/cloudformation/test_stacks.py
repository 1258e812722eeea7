"""Stacks: made, changed, rolled back, removed, with the state that they leave in the services."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from sandbox.aws.errors import AwsError
from sandbox.limits import Limits

QUEUE = """
Parameters:
  Delay: {Type: Number, Default: 5, MaxValue: 900}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {DelaySeconds: !Ref Delay}
Outputs:
  Url: {Value: !Ref Queue}
  Arn: {Value: !GetAtt Queue.Arn, Export: {Name: !Sub '${AWS::StackName}-queue'}}
"""
BROKEN = """
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Stream: {Type: AWS::Logs::LogStream, DependsOn: Queue, Properties: {LogGroupName: nowhere}}
"""


def test_create_makes_resources_and_outputs(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(QUEUE)
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        outputs = lab.outputs(stack)
        found = await lab.aws("sqs", "GetQueueAttributes", QueueUrl=outputs["Url"], AttributeNames=["All"])
        assert found["Attributes"]["DelaySeconds"] == "5"
        assert found["Attributes"]["QueueArn"] == outputs["Arn"]
        assert await lab.events() == [
            ("s", "CREATE_IN_PROGRESS"),
            ("Queue", "CREATE_IN_PROGRESS"),
            ("Queue", "CREATE_IN_PROGRESS"),
            ("Queue", "CREATE_COMPLETE"),
            ("s", "CREATE_COMPLETE"),
        ]

    play(body)


def test_stack_takes_no_time_and_has_the_sandbox_date(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(QUEUE)
        assert stack["CreationTime"] == lab.sandbox.clock.utcnow()
        assert lab.sandbox.clock.now() == 0.0

    play(body)


def test_failing_resource_rolls_the_creation_back(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(BROKEN)
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert "ResourceNotFoundException" in await lab.reason("Stream")
        assert (await lab.aws("sqs", "ListQueues")).get("QueueUrls", []) == []
        whole = [status for name, status in await lab.events() if name == "s"]
        assert whole == ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]

    play(body)


@pytest.mark.parametrize(
    ("choice", "status", "queues"),
    [
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", 1),
        ({"DisableRollback": True}, "CREATE_FAILED", 1),
        ({"OnFailure": "DELETE"}, "DELETE_COMPLETE", 0),
    ],
)
def test_on_failure_is_obeyed(play: Any, choice: dict[str, Any], status: str, queues: int) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(BROKEN, **choice)
        assert stack["StackStatus"] == status
        assert len((await lab.aws("sqs", "ListQueues")).get("QueueUrls", [])) == queues

    play(body)


def test_update_changes_in_place(play: Any) -> None:
    async def body(lab: Any) -> None:
        before = lab.outputs(await lab.create(QUEUE))
        parameters = [{"ParameterKey": "Delay", "ParameterValue": "9"}]
        stack = await lab.update(QUEUE, Parameters=parameters)
        assert stack["StackStatus"] == "UPDATE_COMPLETE"
        assert lab.outputs(stack) == before
        found = await lab.aws("sqs", "GetQueueAttributes", QueueUrl=before["Url"], AttributeNames=["All"])
        assert found["Attributes"]["DelaySeconds"] == "9"

    play(body)


def test_events_show_the_properties_of_their_time(play: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.create(QUEUE)
        await lab.update(QUEUE.replace("Default: 5", "Default: 7"))
        found = (await lab.cfn("DescribeStackEvents", StackName="s"))["StackEvents"]
        shown = [
            json.loads(e["ResourceProperties"])["DelaySeconds"] for e in found if "ResourceProperties" in e
        ]
        assert shown == ["7", "7", "5", "5", "5"]  # the newest first

    play(body)


def test_update_replaces_when_a_name_changes_and_dependents_follow(play: Any) -> None:
    template = """
Resources:
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: NAME}}
  Stream: {Type: AWS::Logs::LogStream, Properties: {LogGroupName: !Ref Group, LogStreamName: one}}
"""

    async def body(lab: Any) -> None:
        await lab.create(template.replace("NAME", "first"))
        stack = await lab.update(template.replace("NAME", "second"))
        assert stack["StackStatus"] == "UPDATE_COMPLETE"
        groups = (await lab.aws("logs", "DescribeLogGroups"))["logGroups"]
        assert [group["logGroupName"] for group in groups] == ["second"]
        streams = (await lab.aws("logs", "DescribeLogStreams", logGroupName="second"))["logStreams"]
        assert [stream["logStreamName"] for stream in streams] == ["one"]

    play(body)


def test_failing_update_puts_everything_back(play: Any) -> None:
    base = """
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 1}}
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: first}}
"""
    broken = """
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 2}}
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: second}}
  More: {Type: AWS::SQS::Queue, DependsOn: [Queue, Group]}
  Stream: {Type: AWS::Logs::LogStream, DependsOn: More, Properties: {LogGroupName: nowhere}}
"""

    async def body(lab: Any) -> None:
        await lab.create(base)
        url = await lab.physical("Queue")
        stack = await lab.update(broken)
        assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        found = await lab.aws("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
        assert found["Attributes"]["DelaySeconds"] == "1"
        assert (await lab.aws("sqs", "ListQueues"))["QueueUrls"] == [url]
        groups = (await lab.aws("logs", "DescribeLogGroups"))["logGroups"]
        assert [group["logGroupName"] for group in groups] == ["first"]
        resources = (await lab.cfn("ListStackResources", StackName="s"))["StackResourceSummaries"]
        assert {r["LogicalResourceId"] for r in resources} == {"Queue", "Group"}
        again = await lab.update(base.replace("DelaySeconds: 1", "DelaySeconds: 3"))
        assert again["StackStatus"] == "UPDATE_COMPLETE"

    play(body)


def test_update_removes_what_left_the_template_but_keeps_what_is_retained(play: Any) -> None:
    template = """
Resources:
  Kept: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain, Properties: {LogGroupName: kept}}
  Gone: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: gone}}
  Queue: {Type: AWS::SQS::Queue}
"""
    less = "Resources:\n  Queue: {Type: AWS::SQS::Queue}\n"

    async def body(lab: Any) -> None:
        await lab.create(template)
        await lab.update(less)
        groups = (await lab.aws("logs", "DescribeLogGroups"))["logGroups"]
        assert [group["logGroupName"] for group in groups] == ["kept"]
        assert ("Kept", "DELETE_SKIPPED") in await lab.events()

    play(body)


def test_same_template_is_no_update(play: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.create(QUEUE)
        with pytest.raises(AwsError, match="No updates are to be performed") as refused:
            await lab.update(QUEUE)
        assert (refused.value.status, refused.value.code) == (400, "ValidationError")

    play(body)


def test_delete_goes_backwards_and_frees_the_name(play: Any) -> None:
    template = """
Resources:
  Stream: {Type: AWS::Logs::LogStream, Properties: {LogGroupName: !Ref Group}}
  Group: {Type: AWS::Logs::LogGroup}
"""

    async def body(lab: Any) -> None:
        first = await lab.create(template)
        gone = await lab.delete()
        assert gone["StackStatus"] == "DELETE_COMPLETE"
        order = [n for n, status in await lab.events(first["StackId"]) if status == "DELETE_COMPLETE"]
        assert order == ["Stream", "Group", "s"]
        with pytest.raises(AwsError, match="Stack with id s does not exist"):
            await lab.stack()
        assert (await lab.create(template))["StackId"] != first["StackId"]

    play(body)


def test_resources_are_retained_when_a_deletion_failed_only(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(QUEUE)
        with pytest.raises(AwsError) as refused:
            await lab.cfn("DeleteStack", StackName="s", RetainResources=["Queue"])
        assert refused.value.message == (
            f"Invalid operation on stack [{stack['StackId']}]. When you delete a stack, specify which resources to "
            "retain only when the stack is in the DELETE_FAILED state."
        )

    play(body)


def test_failing_deletion_is_told_and_can_be_retried(play: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.create("Resources:\n  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: full}}\n")
        await lab.aws("s3", "PutObject", Bucket="full", Key="k", Body=b"x")
        stack = await lab.delete()
        assert stack["StackStatus"] == "DELETE_FAILED"
        assert stack["StackStatusReason"] == "The following resource(s) failed to delete: [Bucket]. "
        await lab.aws("s3", "DeleteObject", Bucket="full", Key="k")
        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"

    play(body)


def test_exports_are_imported_and_held(play: Any) -> None:
    user = """
Resources:
  Policy:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !ImportValue s-queue}
"""

    async def body(lab: Any) -> None:
        arn = lab.outputs(await lab.create(QUEUE))["Arn"]
        await lab.create(user, "user")
        name = await lab.physical("Policy", "user")
        assert (await lab.aws("ssm", "GetParameter", Name=name))["Parameter"]["Value"] == arn
        exports = (await lab.cfn("ListExports"))["Exports"]
        assert [(e["Name"], e["Value"]) for e in exports] == [("s-queue", arn)]
        assert (await lab.cfn("ListImports", ExportName="s-queue"))["Imports"] == ["user"]
        with pytest.raises(AwsError, match="Export s-queue cannot be deleted as it is in use by user"):
            await lab.delete()
        await lab.delete("user")
        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"

    play(body)


def test_termination_protection(play: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.create(QUEUE, EnableTerminationProtection=True)
        with pytest.raises(AwsError, match="cannot be deleted while TerminationProtection is enabled"):
            await lab.delete()
        await lab.cfn("UpdateTerminationProtection", StackName="s", EnableTerminationProtection=False)
        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"

    play(body)


def test_unknown_property_fails_the_resource(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create("Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {Colour: red}}\n")
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert await lab.reason("Q") == (
            "Properties validation failed for resource Q with message: "
            "[#: extraneous key [Colour] is not permitted]"
        )

    play(body)


STREAMING_METHOD = """
Resources:
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: chat}}
  Chat:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !GetAtt Api.RootResourceId
      HttpMethod: GET
      Integration: {Type: HTTP_PROXY, Uri: "https://model.example/", ResponseTransferMode: STREAM}
"""


@pytest.mark.fact("1.20")
def test_the_transfer_mode_is_an_unknown_property_before_its_day(play: Any) -> None:
    async def body(lab: Any) -> None:
        assert (await lab.create(STREAMING_METHOD, "after"))["StackStatus"] == "CREATE_COMPLETE"
        lab.sandbox.limits = Limits(date(2025, 11, 18))
        assert (await lab.create(STREAMING_METHOD))["StackStatus"] == "ROLLBACK_COMPLETE"
        assert await lab.reason("Chat") == (
            "Properties validation failed for resource Chat with message: "
            "[#/Integration: extraneous key [ResponseTransferMode] is not permitted]"
        )

    play(body)


def test_capabilities_are_asked_for(play: Any) -> None:
    role: dict[str, Any] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}

    async def body(lab: Any) -> None:
        template = json.dumps({"Resources": {"R": role}})
        with pytest.raises(AwsError, match=r"Requires capabilities : \[CAPABILITY_IAM\]") as refused:
            await lab.create(template, Capabilities=[])
        assert refused.value.code == "InsufficientCapabilitiesException"
        role["Properties"]["RoleName"] = "mine"
        template = json.dumps({"Resources": {"R": role}})
        with pytest.raises(AwsError, match=r"\[CAPABILITY_NAMED_IAM\]"):
            await lab.create(template, Capabilities=["CAPABILITY_IAM"])

    play(body)


def test_operation_that_is_not_built_says_so(play: Any) -> None:
    async def body(lab: Any) -> None:
        with pytest.raises(AwsError, match="cloudformation:DetectStackDrift") as refused:
            await lab.cfn("DetectStackDrift", StackName="s")
        assert refused.value.status == 501

    play(body)


def test_nested_stack_gives_its_outputs(play: Any) -> None:
    outer = """
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: 'https://s3.amazonaws.com/templates/inner.yaml', Parameters: {Delay: 7}}
Outputs:
  Arn: {Value: !GetAtt Inner.Outputs.Arn}
"""

    async def body(lab: Any) -> None:
        await lab.aws("s3", "CreateBucket", Bucket="templates")
        await lab.aws("s3", "PutObject", Bucket="templates", Key="inner.yaml", Body=QUEUE.encode())
        stack = await lab.create(outer)
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        assert lab.outputs(stack)["Arn"].startswith("arn:aws:sqs:us-east-1:000000000000:s-Inner-")
        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"
        assert (await lab.aws("sqs", "ListQueues")).get("QueueUrls", []) == []

    play(body)


def test_export_name_belongs_to_one_stack(play: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.create(QUEUE)
        stack = await lab.create(QUEUE.replace("${AWS::StackName}-queue", "s-queue"), "other")
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        found = (await lab.cfn("DescribeStackEvents", StackName="other"))["StackEvents"]
        reasons = [e["ResourceStatusReason"] for e in found if e["ResourceStatus"] == "ROLLBACK_IN_PROGRESS"]
        assert reasons == [
            "Export with name s-queue is already exported by stack s. Rollback requested by user."
        ]

    play(body)
