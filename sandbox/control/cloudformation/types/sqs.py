"""SQS: queues and their policies."""

from __future__ import annotations

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

_ATTRIBUTES = words(
    "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit "
    "KmsDataKeyReusePeriodSeconds KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod "
    "ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy SqsManagedSseEnabled "
    "VisibilityTimeout"
)
# What an attribute goes back to when it leaves the template; source: SQS API Reference, SetQueueAttributes.
_DEFAULTS = {
    "DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30", "RedrivePolicy": "", "RedriveAllowPolicy": "",
    "KmsMasterKeyId": "", "ContentBasedDeduplication": "false",
}  # fmt: skip


class Queue(ResourceType):
    type = "AWS::SQS::Queue"
    spec = (
        "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue* FifoThroughputLimit "
        "KmsDataKeyReusePeriodSeconds KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod QueueName* "
        "ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy SqsManagedSseEnabled Tags[] "
        "VisibilityTimeout"
    )
    attributes = "Arn QueueName QueueUrl"

    async def create(self, r: Request) -> None:
        fifo = text(r.get("FifoQueue", False)) == "true"
        name = r.get("QueueName") or r.name(80, suffix=".fifo" if fifo else "")
        attributes = {a: _text(r[a]) for a in _ATTRIBUTES if a in r.properties}
        if not fifo:
            attributes.pop("FifoQueue", None)
        tags = {tag["Key"]: text(tag["Value"]) for tag in r.get("Tags") or []}
        values: dict[str, Any] = {"QueueName": name, "Attributes": attributes}
        made = await r.call("sqs", "CreateQueue", **values, **({"tags": tags} if tags else {}))
        r.physical_id = made["QueueUrl"]
        r.attributes = {"Arn": r.arn("sqs", name), "QueueName": name, "QueueUrl": r.physical_id}

    async def update(self, r: Request) -> None:
        changed = {
            a: _text(r[a]) if a in r.properties else _DEFAULTS[a]
            for a in _ATTRIBUTES
            if r.changed(a) and (a in r.properties or a in _DEFAULTS)
        }
        if changed:
            await r.call("sqs", "SetQueueAttributes", QueueUrl=r.physical_id, Attributes=changed)
        added, removed = tags_changed(r)
        if added:
            await r.call(
                "sqs", "TagQueue", QueueUrl=r.physical_id, Tags={t["Key"]: t["Value"] for t in added}
            )
        if removed:
            await r.call("sqs", "UntagQueue", QueueUrl=r.physical_id, TagKeys=removed)

    async def delete(self, r: Request) -> None:
        await r.call("sqs", "DeleteQueue", QueueUrl=r.physical_id)


def _text(value: Any) -> str:
    return document(value) if isinstance(value, dict) else text(value)


class QueuePolicy(ResourceType):
    type = "AWS::SQS::QueuePolicy"
    spec = "PolicyDocument! Queues![]"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        r.physical_id = r.name(64)
        r.attributes = {"Id": r.physical_id}
        await self.update(r)

    async def update(self, r: Request) -> None:
        policy = policy_text(r["PolicyDocument"])
        for url in r["Queues"]:
            await r.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})
        for url in r.previous.get("Queues") or []:
            if url not in r["Queues"]:
                await r.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})

    async def delete(self, r: Request) -> None:
        for url in r["Queues"]:
            await r.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})
