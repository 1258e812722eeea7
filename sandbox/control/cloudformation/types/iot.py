"""IoT: policies and what they are attached to, topic rules, authorizers, things."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.types.base import Request, ResourceType, policy_text, tags_changed

IOT = "iot"


class Policy(ResourceType):
    type = "AWS::IoT::Policy"
    spec = "PolicyDocument! PolicyName* Tags[]"
    attributes = "Arn Id"

    async def create(self, r: Request) -> None:
        name = r.get("PolicyName") or r.name(128)
        made = await r.call(
            IOT,
            "CreatePolicy",
            policyName=name,
            policyDocument=policy_text(r["PolicyDocument"]),
            tags=[{"Key": tag["Key"], "Value": str(tag["Value"])} for tag in r.get("Tags") or []],
        )
        r.physical_id = name
        r.attributes = {"Arn": made["policyArn"], "Id": name}

    async def update(self, r: Request) -> None:
        """A new version that counts; the oldest of the others makes room for it."""
        name = r.physical_id
        if r.changed("PolicyDocument"):
            versions = (await r.call(IOT, "ListPolicyVersions", policyName=name))["policyVersions"]
            for old in [one for one in versions if not one["isDefaultVersion"]]:
                await r.call(IOT, "DeletePolicyVersion", policyName=name, policyVersionId=old["versionId"])
            text = policy_text(r["PolicyDocument"])
            await r.call(IOT, "CreatePolicyVersion", policyName=name, policyDocument=text, setAsDefault=True)
        await _retag(r)

    async def delete(self, r: Request) -> None:
        name = r.physical_id
        for target in (await r.call(IOT, "ListTargetsForPolicy", policyName=name))["targets"]:
            await r.call(IOT, "DetachPolicy", policyName=name, target=target)
        for one in (await r.call(IOT, "ListPolicyVersions", policyName=name))["policyVersions"]:
            if not one["isDefaultVersion"]:
                await r.call(IOT, "DeletePolicyVersion", policyName=name, policyVersionId=one["versionId"])
        await r.call(IOT, "DeletePolicy", policyName=name)


class PolicyPrincipalAttachment(ResourceType):
    type = "AWS::IoT::PolicyPrincipalAttachment"
    spec = "PolicyName!* Principal!*"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        await r.call(IOT, "AttachPolicy", policyName=r["PolicyName"], target=r["Principal"])
        r.physical_id = r.name(128)
        r.attributes = {"Id": r.physical_id}

    async def delete(self, r: Request) -> None:
        await r.call(IOT, "DetachPolicy", policyName=r["PolicyName"], target=r["Principal"])


class TopicRule(ResourceType):
    type = "AWS::IoT::TopicRule"
    spec = "RuleName* Tags[] TopicRulePayload!{}"
    attributes = "Arn"

    async def create(self, r: Request) -> None:
        name = r.get("RuleName") or r.name(128).replace("-", "_")
        await r.send(IOT, "CreateTopicRule", {"TopicRulePayload": r["TopicRulePayload"]}, ruleName=name)
        r.physical_id = name
        r.attributes = {"Arn": r.arn(IOT, f"rule/{name}")}
        await _retag(r)

    async def update(self, r: Request) -> None:
        payload = {"TopicRulePayload": r["TopicRulePayload"]}
        await r.send(IOT, "ReplaceTopicRule", payload, ruleName=r.physical_id)
        await _retag(r)

    async def delete(self, r: Request) -> None:
        await r.call(IOT, "DeleteTopicRule", ruleName=r.physical_id)


class Authorizer(ResourceType):
    type = "AWS::IoT::Authorizer"
    spec = (
        "AuthorizerFunctionArn! AuthorizerName* EnableCachingForHttp SigningDisabled* Status Tags[] "
        "TokenKeyName TokenSigningPublicKeys{}"
    )
    attributes = "Arn"

    async def create(self, r: Request) -> None:
        name = r.get("AuthorizerName") or r.name(128)
        made = await r.send(IOT, "CreateAuthorizer", {**r.properties, "AuthorizerName": name})
        r.physical_id = name
        r.attributes = {"Arn": made["authorizerArn"]}

    async def update(self, r: Request) -> None:
        given = {name: value for name, value in _untagged(r).items() if name != "SigningDisabled"}
        await r.send(IOT, "UpdateAuthorizer", {**given, "AuthorizerName": r.physical_id})
        await _retag(r)

    async def delete(self, r: Request) -> None:
        name = r.physical_id
        described = await r.call(IOT, "DescribeAuthorizer", authorizerName=name)
        if described["authorizerDescription"]["status"] == "ACTIVE":
            await r.call(IOT, "UpdateAuthorizer", authorizerName=name, status="INACTIVE")
        await r.call(IOT, "DeleteAuthorizer", authorizerName=name)


class Thing(ResourceType):
    type = "AWS::IoT::Thing"
    spec = "AttributePayload{} ThingName*"
    attributes = "Arn Id"

    async def create(self, r: Request) -> None:
        name = r.get("ThingName") or r.name(128)
        made = await r.send(IOT, "CreateThing", r.pick("AttributePayload"), thingName=name)
        r.physical_id = name
        r.attributes = {"Arn": made["thingArn"], "Id": made.get("thingId", "")}

    async def update(self, r: Request) -> None:
        payload = r.get("AttributePayload") or {"Attributes": {}}
        await r.send(IOT, "UpdateThing", {"AttributePayload": payload}, thingName=r.physical_id)

    async def delete(self, r: Request) -> None:
        await r.call(IOT, "DeleteThing", thingName=r.physical_id)


class ThingPrincipalAttachment(ResourceType):
    type = "AWS::IoT::ThingPrincipalAttachment"
    spec = "Principal!* ThingName!* ThingPrincipalType*"

    async def create(self, r: Request) -> None:
        await r.call(IOT, "AttachThingPrincipal", thingName=r["ThingName"], principal=r["Principal"])
        r.physical_id = r.name(128)

    async def delete(self, r: Request) -> None:
        await r.call(IOT, "DetachThingPrincipal", thingName=r["ThingName"], principal=r["Principal"])


def _untagged(r: Request) -> dict[str, Any]:
    return {name: value for name, value in r.properties.items() if name != "Tags"}


async def _retag(r: Request) -> None:
    added, removed = tags_changed(r)
    arn = r.attributes["Arn"]
    if added:
        await r.call(IOT, "TagResource", resourceArn=arn, tags=added)
    if removed:
        await r.call(IOT, "UntagResource", resourceArn=arn, tagKeys=removed)
