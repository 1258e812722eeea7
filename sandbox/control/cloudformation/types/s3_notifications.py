"""A bucket's notifications in the API's form."""

from __future__ import annotations

from typing import Any

_KINDS = (  # property, its target's name; the API's list, its target's name
    ("LambdaConfigurations", "Function", "LambdaFunctionConfigurations", "LambdaFunctionArn"),
    ("QueueConfigurations", "Queue", "QueueConfigurations", "QueueArn"),
    ("TopicConfigurations", "Topic", "TopicConfigurations", "TopicArn"),
)


def notifications(value: dict[str, Any]) -> dict[str, Any]:
    """``NotificationConfiguration`` as ``PutBucketNotificationConfiguration`` takes it."""
    result: dict[str, Any] = {}
    if "EventBridgeConfiguration" in value:
        result["EventBridgeConfiguration"] = {}
    for kind, target, name, arn in _KINDS:
        entries = value.get(kind) or []
        if entries:
            result[name] = [_entry(entry, target, arn) for entry in entries]
    return result


def _entry(entry: dict[str, Any], target: str, arn: str) -> dict[str, Any]:
    made: dict[str, Any] = {arn: entry[target], "Events": [entry["Event"]]}
    rules = ((entry.get("Filter") or {}).get("S3Key") or {}).get("Rules")
    if rules:
        made["Filter"] = {"Key": {"FilterRules": rules}}
    return made
