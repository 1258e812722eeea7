"""AWS::IoT::* and SAM's IoTRule in templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.control.cloudformation.conftest import Lab, Test

Play = Callable[[Test], None]
TEMPLATE = """
Resources:
  Policy:
    Type: AWS::IoT::Policy
    Properties:
      PolicyName: readers
      Tags: [{Key: a, Value: b}]
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: "iot:Connect", Resource: "*"}]
  Attached:
    Type: AWS::IoT::PolicyPrincipalAttachment
    Properties: {PolicyName: !Ref Policy, Principal: "us-east-1:1111"}
  Thing:
    Type: AWS::IoT::Thing
    Properties: {AttributePayload: {Attributes: {kind: reader}}}
  Authorizer:
    Type: AWS::IoT::Authorizer
    Properties:
      AuthorizerFunctionArn: arn:aws:lambda:us-east-1:000000000000:function:f
      SigningDisabled: true
      Status: ACTIVE
  Rule:
    Type: AWS::IoT::TopicRule
    Properties:
      TopicRulePayload:
        Sql: SELECT * FROM 'a'
        RuleDisabled: "false"
        Actions:
          - Republish: {RoleArn: "arn:aws:iam::000000000000:role/r", Topic: b}
          - DynamoDBv2: {RoleArn: "arn:aws:iam::000000000000:role/r", PutItem: {TableName: t}}
Outputs:
  Policy: {Value: !GetAtt Policy.Arn}
  Rule: {Value: !GetAtt Rule.Arn}
  Thing: {Value: !Ref Thing}
  Authorizer: {Value: !Ref Authorizer}
"""
SAM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      InlineCode: "def handler(event, context): pass"
      Events:
        Asked:
          Type: IoTRule
          Properties: {Sql: "SELECT * FROM 'ask'", AwsIotSqlVersion: "2016-03-23"}
"""


def test_a_stack_of_them(play: Play):
    async def body(lab: Lab) -> None:
        stack = await lab.create(TEMPLATE)
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        out = lab.outputs(stack)
        assert out["Policy"] == "arn:aws:iot:us-east-1:000000000000:policy/readers"
        targets = await lab.aws("iot", "ListTargetsForPolicy", policyName="readers")
        assert targets["targets"] == ["us-east-1:1111"]
        tags = await lab.aws("iot", "ListTagsForResource", resourceArn=out["Policy"])
        assert tags["tags"] == [{"Key": "a", "Value": "b"}]
        (rule,) = (await lab.aws("iot", "ListTopicRules"))["rules"]
        assert out["Rule"] == rule["ruleArn"]
        found = await lab.aws("iot", "GetTopicRule", ruleName=rule["ruleName"])
        assert [list(one) for one in found["rule"]["actions"]] == [["republish"], ["dynamoDBv2"]]
        described = await lab.aws("iot", "DescribeAuthorizer", authorizerName=out["Authorizer"])
        assert described["authorizerDescription"]["status"] == "ACTIVE"
        thing = await lab.aws("iot", "DescribeThing", thingName=out["Thing"])
        assert thing["attributes"] == {"kind": "reader"}

        changed = TEMPLATE.replace("iot:Connect", "iot:Publish").replace("FROM 'a'", "FROM 'c'")
        changed = changed.replace("{Key: a, Value: b}", "{Key: c, Value: d}").replace(
            "kind: reader", "kind: writer"
        )
        stack = await lab.update(changed.replace("Status: ACTIVE", "Status: INACTIVE"))
        assert stack["StackStatus"] == "UPDATE_COMPLETE"
        policy = await lab.aws("iot", "GetPolicy", policyName="readers")
        assert json.loads(policy["policyDocument"])["Statement"][0]["Action"] == "iot:Publish"
        tags = await lab.aws("iot", "ListTagsForResource", resourceArn=out["Policy"])
        assert tags["tags"] == [{"Key": "c", "Value": "d"}]
        assert (await lab.aws("iot", "ListTopicRules", topic="c"))["rules"]
        thing = await lab.aws("iot", "DescribeThing", thingName=out["Thing"])
        assert thing["attributes"] == {"kind": "writer"}

        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"
        for operation, name in (
            ("ListPolicies", "policies"),
            ("ListTopicRules", "rules"),
            ("ListAuthorizers", "authorizers"),
        ):
            assert (await lab.aws("iot", operation))[name] == []

    play(body)


def test_sams_rule_starts_the_function(play: Play):
    async def body(lab: Lab) -> None:
        assert (await lab.create(SAM))["StackStatus"] == "CREATE_COMPLETE"
        (rule,) = (await lab.aws("iot", "ListTopicRules"))["rules"]
        found = (await lab.aws("iot", "GetTopicRule", ruleName=rule["ruleName"]))["rule"]
        function = await lab.physical("Fn")
        assert found["actions"][0]["lambda"]["functionArn"].endswith(f":function:{function}")
        policy = json.loads((await lab.aws("lambda", "GetPolicy", FunctionName=function))["Policy"])
        statement: dict[str, Any] = policy["Statement"][0]
        assert statement["Principal"] == {"Service": "iot.amazonaws.com"}
        assert statement["Condition"]["ArnLike"]["AWS:SourceArn"] == rule["ruleArn"]

    play(body)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("SELECT * FROM 'a'", "SELECT *", "FROM is expected"),
        ("- Republish:", "- Kinesis:", "Kinesis"),
        ('Action: "iot:Connect", Resource', 'Action: "iot:Connect", Ressource', "Malformed"),
    ],
)
def test_what_is_wrong_fails_the_stack_and_says_so(play: Play, old: str, new: str, reason: str):
    async def body(lab: Lab) -> None:
        assert old in TEMPLATE
        stack = await lab.create(TEMPLATE.replace(old, new))
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        failed = "Policy" if reason == "Malformed" else "Rule"
        assert reason in await lab.reason(failed)

    play(body)
