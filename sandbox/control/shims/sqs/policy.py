"""Whether a queue's policy lets another service send to it.

Who calls the API with keys is not judged: the sandbox knows one account, and does not look at its identity policies
for management APIs. A service that delivers by itself has no identity but its name, and needs the queue's policy.

Sources: SNS developer guide, subscribe-sqs-queue-to-sns-topic; S3 user guide, grant-destinations-permissions-to-s3;
EventBridge user guide, eb-use-resource-based: each gives the policy that a queue must have. A message that is not let
in is lost, as the delivery is asynchronous.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from sandbox.auth import Principal, authorize
from sandbox.control.shims.sqs.queue import Queue


@dataclass(frozen=True, slots=True)
class Sender:
    """A service that delivers, and for what."""

    service: str  # sns.amazonaws.com
    source: str  # ARN of the topic, the rule or the bucket


def sender_of(frame: FrameType) -> Sender | None:
    """Who called moto's SQS, by the caller's frame: moto itself does not pass it on. Read in moto's thread."""
    module, local = frame.f_globals.get("__name__"), frame.f_locals
    if module == "moto.sns.models":
        return Sender("sns.amazonaws.com", local["self"].topic.arn)
    if module == "moto.events.models":
        return Sender("events.amazonaws.com", local["self"].arn)
    if module == "moto.s3.notifications":
        return Sender("s3.amazonaws.com", f"arn:aws:s3:::{_bucket(local['event_body'])}")
    return None


def _bucket(event: Mapping[str, Any]) -> str:
    """The bucket of an event, or of the test event."""
    return str(event["Bucket"] if "Bucket" in event else event["Records"][0]["s3"]["bucket"]["name"])


def may_send(queue: Queue, sender: Sender, account: str) -> bool:
    """Whether the queue's policy allows it."""
    text = queue.attributes.text("Policy")
    statements = json.loads(text).get("Statement", []) if text else []
    return authorize(
        Principal.aws_service(sender.service),
        "sqs:SendMessage",
        queue.arn,
        resource_policy=statements if isinstance(statements, list) else [statements],
        context={"aws:SourceArn": sender.source, "aws:SourceAccount": account},
    )
