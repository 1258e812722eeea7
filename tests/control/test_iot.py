"""IoT's management API by boto3: endpoint, policies, authorizers, topic rules; things as moto has them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.control.helpers import Served, refused

DOCUMENT = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}
)
OTHER = DOCUMENT.replace("iot:*", "iot:Connect")
ACCOUNT = "000000000000"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


@pytest.fixture
def iot(served: Served) -> Any:
    return served.client("iot")


@pytest.mark.fact("6.1")
def test_the_endpoint_is_the_same_each_time(iot: Any):
    hosts = {
        kind: iot.describe_endpoint(endpointType=kind)["endpointAddress"]
        for kind in ("iot:Data", "iot:Data-ATS")
    }
    prefix = hosts["iot:Data"].partition(".")[0]
    assert len(prefix) == 14
    assert hosts == {
        "iot:Data": f"{prefix}.iot.us-east-1.amazonaws.com",
        "iot:Data-ATS": f"{prefix}-ats.iot.us-east-1.amazonaws.com",
    }
    assert iot.describe_endpoint()["endpointAddress"] == hosts["iot:Data"]
    assert refused(iot.describe_endpoint, endpointType="iot:None")[:2] == (400, "InvalidRequestException")


def test_policies_and_their_versions(iot: Any):
    made = iot.create_policy(policyName="p", policyDocument=DOCUMENT, tags=[{"Key": "a", "Value": "b"}])
    assert made["policyArn"] == f"arn:aws:iot:us-east-1:{ACCOUNT}:policy/p"
    assert iot.list_tags_for_resource(resourceArn=made["policyArn"])["tags"] == [{"Key": "a", "Value": "b"}]
    again = refused(iot.create_policy, policyName="p", policyDocument=DOCUMENT)
    assert again[:2] == (409, "ResourceAlreadyExistsException")
    for text in ("{", "{}", '{"Version": "2012-10-17", "Statement": [{"Effect": "Maybe"}]}'):
        assert refused(iot.create_policy, policyName="q", policyDocument=text)[:2] == (
            400,
            "MalformedPolicyException",
        )
    version = iot.create_policy_version(policyName="p", policyDocument=OTHER, setAsDefault=True)
    assert (version["policyVersionId"], version["isDefaultVersion"]) == ("2", True)
    assert iot.get_policy(policyName="p")["policyDocument"] == OTHER
    assert iot.get_policy_version(policyName="p", policyVersionId="1")["isDefaultVersion"] is False
    for _ in range(3):
        iot.create_policy_version(policyName="p", policyDocument=OTHER)
    full = refused(iot.create_policy_version, policyName="p", policyDocument=OTHER)
    assert full[:2] == (409, "VersionsLimitExceededException")
    iot.set_default_policy_version(policyName="p", policyVersionId="1")
    assert refused(iot.delete_policy_version, policyName="p", policyVersionId="1")[0] == 400
    assert refused(iot.delete_policy, policyName="p")[:2] == (409, "DeleteConflictException")
    for number in "2345":
        iot.delete_policy_version(policyName="p", policyVersionId=number)
    assert [one["versionId"] for one in iot.list_policy_versions(policyName="p")["policyVersions"]] == ["1"]
    iot.delete_policy(policyName="p")
    assert refused(iot.get_policy, policyName="p")[:2] == (404, "ResourceNotFoundException")


def test_policies_are_attached(iot: Any):
    certificate = iot.create_keys_and_certificate(setAsActive=True)["certificateArn"]
    for name in ("a", "b"):
        iot.create_policy(policyName=name, policyDocument=DOCUMENT)
    for target in (certificate, "us-east-1:11111111-2222-3333-4444-555555555555"):
        for _ in range(2):
            iot.attach_policy(policyName="a", target=target)
        assert [one["policyName"] for one in iot.list_attached_policies(target=target)["policies"]] == ["a"]
        assert [one["policyName"] for one in iot.list_principal_policies(principal=target)["policies"]] == [
            "a"
        ]
    assert len(iot.list_targets_for_policy(policyName="a")["targets"]) == 2
    assert refused(iot.delete_policy, policyName="a")[:2] == (409, "DeleteConflictException")
    assert refused(iot.attach_policy, policyName="none", target=certificate)[0] == 404
    effective = iot.get_effective_policies(principal=certificate)["effectivePolicies"]
    assert [one["policyDocument"] for one in effective] == [DOCUMENT]
    for target in iot.list_targets_for_policy(policyName="a")["targets"]:
        iot.detach_policy(policyName="a", target=target)
    iot.delete_policy(policyName="a")
    assert [one["policyName"] for one in iot.list_policies()["policies"]] == ["b"]


def test_authorizers(iot: Any):
    made = iot.create_authorizer(authorizerName="a", authorizerFunctionArn=FUNCTION, signingDisabled=True)
    assert made["authorizerArn"] == f"arn:aws:iot:us-east-1:{ACCOUNT}:authorizer/a"
    described = iot.describe_authorizer(authorizerName="a")["authorizerDescription"]
    assert (described["status"], described["signingDisabled"]) == ("INACTIVE", True)
    unsigned = refused(iot.create_authorizer, authorizerName="b", authorizerFunctionArn=FUNCTION)
    assert unsigned[:2] == (400, "InvalidRequestException")
    iot.update_authorizer(authorizerName="a", status="ACTIVE")
    assert [one["authorizerName"] for one in iot.list_authorizers(status="ACTIVE")["authorizers"]] == ["a"]
    assert iot.list_authorizers(status="INACTIVE")["authorizers"] == []
    assert refused(iot.describe_default_authorizer)[0] == 404
    iot.set_default_authorizer(authorizerName="a")
    assert iot.describe_default_authorizer()["authorizerDescription"]["authorizerName"] == "a"
    assert refused(iot.delete_authorizer, authorizerName="a")[:2] == (409, "DeleteConflictException")
    iot.clear_default_authorizer()
    iot.update_authorizer(authorizerName="a", status="INACTIVE")
    iot.delete_authorizer(authorizerName="a")
    assert refused(iot.describe_authorizer, authorizerName="a")[0] == 404


def test_topic_rules(iot: Any):
    payload = {"sql": "SELECT * FROM 'a/#'", "actions": [{"lambda": {"functionArn": FUNCTION}}]}
    iot.create_topic_rule(ruleName="r", topicRulePayload=payload)
    found = iot.get_topic_rule(ruleName="r")
    assert found["ruleArn"] == f"arn:aws:iot:us-east-1:{ACCOUNT}:rule/r"
    assert (found["rule"]["sql"], found["rule"]["ruleDisabled"]) == (payload["sql"], False)
    again = refused(iot.create_topic_rule, ruleName="r", topicRulePayload=payload)
    assert again[:2] == (409, "ResourceAlreadyExistsException")
    iot.disable_topic_rule(ruleName="r")
    (listed,) = iot.list_topic_rules()["rules"]
    assert (listed["topicPattern"], listed["ruleDisabled"]) == ("a/#", True)
    assert iot.list_topic_rules(ruleDisabled=False)["rules"] == []
    iot.enable_topic_rule(ruleName="r")
    iot.replace_topic_rule(ruleName="r", topicRulePayload={**payload, "sql": "SELECT a FROM 'b'"})
    assert iot.list_topic_rules(topic="b")["rules"][0]["ruleName"] == "r"
    iot.delete_topic_rule(ruleName="r")
    iot.delete_topic_rule(ruleName="r")
    assert refused(iot.get_topic_rule, ruleName="r")[:2] == (401, "UnauthorizedException")


@pytest.mark.parametrize(
    ("sql", "action", "status", "named"),
    [
        ("SELECT FROM", {"lambda": {"functionArn": FUNCTION}}, 400, "SqlParseException"),
        (
            "SELECT aws_lambda('x') AS y FROM 'a'",
            {"lambda": {"functionArn": FUNCTION}},
            501,
            "NotImplemented",
        ),
        ("SELECT * FROM 'a'", {"iotEvents": {"roleArn": FUNCTION, "inputName": "s"}}, 501, "NotImplemented"),
    ],
)
def test_what_a_rule_cannot_do_is_told_when_it_is_made(
    iot: Any, sql: str, action: Any, status: int, named: str
):
    payload = {"sql": sql, "actions": [action]}
    assert refused(iot.create_topic_rule, ruleName="r", topicRulePayload=payload)[:2] == (status, named)


def test_parameters_out_of_bounds_are_invalid_requests(served: Served, iot: Any):
    status, code, message = refused(iot.create_policy, policyName="a b", policyDocument=DOCUMENT)
    assert (status, code) == (400, "InvalidRequestException")
    assert "Value 'a b' at 'policyName' failed to satisfy constraint" in message
    data = served.client("iot-data")
    assert refused(data.get_connection, clientId="$x")[:2] == (400, "InvalidRequestException")


def test_things_are_motos(iot: Any):
    iot.create_thing(thingName="t", attributePayload={"attributes": {"a": "b"}})
    assert iot.describe_thing(thingName="t")["attributes"] == {"a": "b"}
    iot.delete_thing(thingName="t")
