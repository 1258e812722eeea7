"""Change sets, as `aws cloudformation deploy`, `sam deploy` and `cdk deploy` use them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.errors import AwsError

FIRST = """
Resources:
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: first}}
  Queue: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 1}}
"""
SECOND = """
Resources:
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: second}}
  Stream: {Type: AWS::Logs::LogStream, Properties: {LogGroupName: !Ref Group}}
"""


async def change(lab: Any, template: str, kind: str, name: str = "c") -> dict[str, Any]:
    made = await lab.cfn(
        "CreateChangeSet", StackName="s", ChangeSetName=name, ChangeSetType=kind, TemplateBody=template
    )
    found: dict[str, Any] = await lab.cfn("DescribeChangeSet", ChangeSetName=made["Id"])
    return found


def test_create_is_reviewed_and_executed(play: Any) -> None:
    async def body(lab: Any) -> None:
        found = await change(lab, FIRST, "CREATE")
        assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
        shown = [
            (c["ResourceChange"]["Action"], c["ResourceChange"]["LogicalResourceId"])
            for c in found["Changes"]
        ]
        assert shown == [("Add", "Group"), ("Add", "Queue")]
        assert (await lab.stack())["StackStatus"] == "REVIEW_IN_PROGRESS"
        assert (await lab.cfn("GetTemplate", StackName="s"))["TemplateBody"] == ""
        assert await lab.events() == [("s", "REVIEW_IN_PROGRESS")]  # sam deploy reads this event
        assert (await lab.aws("sqs", "ListQueues")).get("QueueUrls", []) == []
        await lab.cfn("ExecuteChangeSet", ChangeSetName="c", StackName="s")
        stack = await lab.stack()
        assert (stack["StackStatus"], stack["ChangeSetId"]) == ("CREATE_COMPLETE", found["ChangeSetId"])
        with pytest.raises(AwsError) as refused:
            await lab.cfn("ExecuteChangeSet", ChangeSetName="c", StackName="s")
        assert refused.value.code == "InvalidChangeSetStatus"

    play(body)


def test_update_tells_replacements_removals_and_additions(play: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.create(FIRST)
        found = await change(lab, SECOND, "UPDATE")
        changes = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in found["Changes"]}
        assert {name: c["Action"] for name, c in changes.items()} == {
            "Group": "Modify",
            "Stream": "Add",
            "Queue": "Remove",
        }
        group = changes["Group"]
        assert (group["Replacement"], group["Scope"]) == ("True", ["Properties"])
        assert group["Details"][0]["Target"] == {
            "Attribute": "Properties",
            "Name": "LogGroupName",
            "RequiresRecreation": "Always",
        }
        groups = (await lab.aws("logs", "DescribeLogGroups"))["logGroups"]
        assert [g["logGroupName"] for g in groups] == ["first"]  # looking changes nothing
        await lab.cfn("ExecuteChangeSet", ChangeSetName="c", StackName="s")
        assert (await lab.stack())["StackStatus"] == "UPDATE_COMPLETE"
        groups = (await lab.aws("logs", "DescribeLogGroups"))["logGroups"]
        assert [g["logGroupName"] for g in groups] == ["second"]

    play(body)


def test_without_changes_it_fails_with_the_words_that_tools_look_for(play: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.create(FIRST)
        found = await change(lab, FIRST, "UPDATE")
        assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
        assert "The submitted information didn't contain changes." in found["StatusReason"]

    play(body)


def test_kinds_are_checked(play: Any) -> None:
    async def body(lab: Any) -> None:
        with pytest.raises(AwsError, match=r"Stack \[s\] does not exist"):
            await change(lab, FIRST, "UPDATE")
        await lab.create(FIRST)
        with pytest.raises(AwsError, match=r"Stack \[s\] already exists and cannot be created again"):
            await change(lab, FIRST, "CREATE")

    play(body)


def test_a_name_is_taken_until_its_change_set_is_gone(play: Any) -> None:
    sized = "Parameters: {Days: {Type: String, Default: '1'}}\n" + SECOND

    async def body(lab: Any) -> None:
        await lab.create(FIRST)
        await change(lab, sized, "UPDATE", "one")
        days = [{"ParameterKey": "Days", "ParameterValue": "2"}]
        for text, more, attribute in (
            (SECOND, {}, "Template"),
            (sized, {"Parameters": days}, "Parameters"),
            (sized, {}, "ClientToken"),
        ):
            with pytest.raises(AwsError) as refused:
                await lab.cfn(
                    "CreateChangeSet", StackName="s", ChangeSetName="one", TemplateBody=text, **more
                )
            assert refused.value.code == "AlreadyExistsException"
            assert refused.value.message == (
                f"ChangeSet one cannot be created due to a mismatch with existing attribute {attribute}"
            )

    play(body)


def test_listed_and_deleted(play: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.create(FIRST)
        await change(lab, SECOND, "UPDATE", "one")
        await change(lab, SECOND, "UPDATE", "two")
        await lab.cfn("DeleteChangeSet", ChangeSetName="one", StackName="s")
        found = (await lab.cfn("ListChangeSets", StackName="s"))["Summaries"]
        assert [c["ChangeSetName"] for c in found] == ["two"]
        with pytest.raises(AwsError) as refused:
            await lab.cfn("DescribeChangeSet", ChangeSetName="one", StackName="s")
        assert refused.value.code == "ChangeSetNotFound"

    play(body)
