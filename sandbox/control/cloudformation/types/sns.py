"""SNS: topics, subscriptions, policies."""

from __future__ import annotations

import json
from typing import Any

from sandbox.control.cloudformation.template.intrinsics import text
from sandbox.control.cloudformation.types.base import (
    Request,
    ResourceType,
    document,
    policy_text,
    tags_changed,
    words,
)

_TOPIC = words(
    "ArchivePolicy ContentBasedDeduplication DisplayName FifoThroughputScope FifoTopic KmsMasterKeyId "
    "SignatureVersion TracingConfig"
)
_SUBSCRIPTION = words(
    "DeliveryPolicy FilterPolicy FilterPolicyScope RawMessageDelivery RedrivePolicy ReplayPolicy "
    "SubscriptionRoleArn"
)


def _text(value: Any) -> str:
    return document(value) if isinstance(value, dict) else text(value)


class Topic(ResourceType):
    type = "AWS::SNS::Topic"
    spec = (
        "ArchivePolicy ContentBasedDeduplication DataProtectionPolicy DeliveryStatusLogging[] DisplayName "
        "FifoThroughputScope FifoTopic* KmsMasterKeyId SignatureVersion Subscription[] Tags[] TopicName* "
        "TracingConfig"
    )
    attributes = "TopicArn TopicName"

    async def create(self, r: Request) -> None:
        fifo = text(r.get("FifoTopic", False)) == "true"
        name = r.get("TopicName") or r.name(256, suffix=".fifo" if fifo else "")
        attributes = {a: _text(r[a]) for a in _TOPIC if a in r.properties}
        made = await r.call("sns", "CreateTopic", Name=name, Attributes=attributes, Tags=r.get("Tags") or [])
        r.physical_id = made["TopicArn"]
        r.attributes = {"TopicArn": r.physical_id, "TopicName": name}
        await self._subscribe(r)

    async def update(self, r: Request) -> None:
        for name in [a for a in _TOPIC if r.changed(a)]:
            value = _text(r.get(name, ""))
            await r.call(
                "sns", "SetTopicAttributes", TopicArn=r.physical_id, AttributeName=name, AttributeValue=value
            )
        await self._subscribe(r)
        added, removed = tags_changed(r)
        if added:
            await r.call("sns", "TagResource", ResourceArn=r.physical_id, Tags=added)
        if removed:
            await r.call("sns", "UntagResource", ResourceArn=r.physical_id, TagKeys=removed)

    async def _subscribe(self, r: Request) -> None:
        new, old = r.get("Subscription") or [], r.previous.get("Subscription") or []
        for subscription in [s for s in new if s not in old]:
            await r.send("sns", "Subscribe", {"TopicArn": r.physical_id, **subscription})
        gone = [(s["Protocol"], s["Endpoint"]) for s in old if s not in new]
        if gone:
            found = await r.call("sns", "ListSubscriptionsByTopic", TopicArn=r.physical_id)
            for subscription in found["Subscriptions"]:
                if (subscription["Protocol"], subscription["Endpoint"]) in gone:
                    await r.call("sns", "Unsubscribe", SubscriptionArn=subscription["SubscriptionArn"])

    async def delete(self, r: Request) -> None:
        await r.call("sns", "DeleteTopic", TopicArn=r.physical_id)


class Subscription(ResourceType):
    type = "AWS::SNS::Subscription"
    spec = (
        "DeliveryPolicy Endpoint* FilterPolicy FilterPolicyScope Protocol!* RawMessageDelivery RedrivePolicy "
        "Region ReplayPolicy SubscriptionRoleArn TopicArn!*"
    )
    attributes = "Arn"

    async def create(self, r: Request) -> None:
        attributes = {a: _text(r[a]) for a in _SUBSCRIPTION if a in r.properties}
        made = await r.call(
            "sns", "Subscribe", **r.pick("TopicArn Protocol Endpoint"), Attributes=attributes,
            ReturnSubscriptionArn=True,
        )  # fmt: skip
        r.physical_id = made["SubscriptionArn"]
        r.attributes = {"Arn": r.physical_id}

    async def update(self, r: Request) -> None:
        for name in [a for a in _SUBSCRIPTION if r.changed(a)]:
            value = _text(r[name]) if name in r.properties else json.dumps({})
            await r.call(
                "sns", "SetSubscriptionAttributes", SubscriptionArn=r.physical_id, AttributeName=name,
                AttributeValue=value,
            )  # fmt: skip

    async def delete(self, r: Request) -> None:
        await r.call("sns", "Unsubscribe", SubscriptionArn=r.physical_id)


class TopicPolicy(ResourceType):
    type = "AWS::SNS::TopicPolicy"
    spec = "PolicyDocument! Topics![]"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        r.physical_id = r.name(64)
        r.attributes = {"Id": r.physical_id}
        await self.update(r)

    async def update(self, r: Request) -> None:
        for topic in r["Topics"]:
            await r.call(
                "sns", "SetTopicAttributes", TopicArn=topic, AttributeName="Policy",
                AttributeValue=policy_text(r["PolicyDocument"]),
            )  # fmt: skip

    async def delete(self, r: Request) -> None:
        """Topics go back to the policy that every topic begins with: only the owner may use it."""
        for topic in r["Topics"]:
            owner = {
                "Sid": "__default_statement_ID", "Effect": "Allow", "Principal": {"AWS": "*"},
                "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes", "SNS:SetTopicAttributes"],
                "Resource": topic, "Condition": {"StringEquals": {"AWS:SourceOwner": r.account}},
            }  # fmt: skip
            policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [owner]}
            await r.call(
                "sns", "SetTopicAttributes", TopicArn=topic, AttributeName="Policy",
                AttributeValue=json.dumps(policy),
            )  # fmt: skip
