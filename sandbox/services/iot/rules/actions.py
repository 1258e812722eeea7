"""The actions of topic rules that are emulated. The rule's role is not judged."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sandbox.auth import Principal, as_statements, authorize
from sandbox.aws.iot_sql import Facts, filled
from sandbox.context import Invocation
from sandbox.services.iot.message import Origin
from sandbox.services.iot.rules import stores
from sandbox.services.iot.rules.task import ActionError, Task
from sandbox.services.iot.topics import ingested, topic_fault

_SERVICE = Principal.aws_service("iot.amazonaws.com")
_DEEPEST = 8  # rules that republish into one another stop here (UNSOURCED)


async def _lambda(task: Task) -> None:
    """Invokes the function asynchronously; its policy has to let the rule in."""
    function = task.value("functionArn")
    sandbox = task.broker.sandbox
    parts = function.split(":")
    policy = await sandbox.control.resources.function_policy(
        parts[6] if len(parts) > 6 else function, parts[7] if len(parts) > 7 else None
    )
    context = {"aws:SourceArn": task.rule.arn, "aws:SourceAccount": sandbox.settings.account}
    statements = as_statements(policy)
    if not authorize(
        _SERVICE, "lambda:InvokeFunction", function, resource_policy=statements, context=context
    ):
        raise ActionError(f"{function} does not permit iot.amazonaws.com for {task.rule.arn}")
    if isinstance(task.selected, bytes):
        raise ActionError("the payload is no JSON; select encode(*, 'base64')")
    await sandbox.invoke(Invocation(function, task.body, type="Event", cause=task.message.trace))


async def _sqs(task: Task) -> None:
    text = base64.b64encode(task.body).decode() if task.settings.get("useBase64") else task.text
    await task.call("sqs", "SendMessage", QueueUrl=task.value("queueUrl"), MessageBody=text)


async def _sns(task: Task) -> None:
    structure = {"MessageStructure": "json"} if task.settings.get("messageFormat") == "JSON" else {}
    await task.call("sns", "Publish", TopicArn=task.value("targetArn"), Message=task.text, **structure)


async def _republish(task: Task) -> None:
    broker, settings = task.broker, task.settings
    topic = task.value("topic")
    topic = topic[1:] if topic.startswith("$$") else topic  # how a reserved topic is written in a template
    if (fault := topic_fault(topic, broker.bounds)) is not None:
        raise ActionError(f"the topic {topic!r}: {fault}")
    depth = task.message.depth + 1
    if depth > _DEEPEST:
        raise ActionError(f"the message was republished {depth} times")
    properties = _headers(settings.get("headers") or {}, task.facts)
    origin = Origin(task.message.origin.client_id, task.message.origin.principal)
    qos = int(settings.get("qos") or 0)
    message = broker.message(topic, task.body, qos, False, properties, origin, depth)
    rule = ingested(topic)
    if rule is not None:
        broker.ingest(rule[0], message)
    else:
        broker.publish(message)


def _headers(given: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The MQTT 5 properties of a republished message."""
    found: dict[str, Any] = {}
    if given.get("payloadFormatIndicator"):
        found["payload_format_indicator"] = int(given["payloadFormatIndicator"] == "UTF8_DATA")
    for name, key in (("content_type", "contentType"), ("response_topic", "responseTopic")):
        if given.get(key):
            found[name] = filled(given[key], facts)
    if given.get("messageExpiry"):
        found["message_expiry_interval"] = int(filled(str(given["messageExpiry"]), facts))
    if given.get("correlationData"):
        found["correlation_data"] = filled(given["correlationData"], facts).encode()
    pairs = given.get("userProperties") or ()
    if pairs:
        found["user_property"] = [(one["key"], filled(one["value"], facts)) for one in pairs]
    return found


async def _dynamodb(task: Task) -> None:
    """One item: the keys, and what was selected in ``payload`` (or ``payloadField``)."""
    settings = task.settings
    if settings.get("operation", "INSERT") != "INSERT":
        raise ActionError(
            f"The sandbox does not emulate the operation {settings['operation']} of the action dynamoDB."
        )
    item: dict[str, Any] = {}
    for part in ("hash", "range"):
        if settings.get(f"{part}KeyField"):
            kind = "N" if settings.get(f"{part}KeyType") == "NUMBER" else "S"
            item[settings[f"{part}KeyField"]] = {kind: task.value(f"{part}KeyValue")}
    item[settings.get("payloadField") or "payload"] = _attribute(task.selected)
    await task.call("dynamodb", "PutItem", TableName=task.value("tableName"), Item=item)


async def _dynamodb_v2(task: Task) -> None:
    """Each selected member is an attribute."""
    if not isinstance(task.selected, Mapping):
        raise ActionError("what was selected is no object")
    item = {name: _attribute(value) for name, value in task.selected.items()}
    await task.call(
        "dynamodb", "PutItem", TableName=filled(task.settings["putItem"]["tableName"], task.facts), Item=item
    )


def _attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, bytes):
        return {"B": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, Mapping):
        return {"M": {str(name): _attribute(one) for name, one in value.items()}}
    return {"L": [_attribute(one) for one in value]}


ACTIONS: Mapping[str, Callable[[Task], Awaitable[None]]] = {
    "lambda": _lambda,
    "sqs": _sqs,
    "sns": _sns,
    "republish": _republish,
    "dynamoDB": _dynamodb,
    "dynamoDBv2": _dynamodb_v2,
    "s3": stores.s3,
    "cloudwatchLogs": stores.cloudwatch_logs,
    "cloudwatchMetric": stores.cloudwatch_metric,
    "cloudwatchAlarm": stores.cloudwatch_alarm,
    "kinesis": stores.kinesis,
    "firehose": stores.firehose,
    "stepFunctions": stores.step_functions,
}
