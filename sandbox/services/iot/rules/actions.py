"""The actions of topic rules that are emulated. The rule's role is not judged."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.auth import Principal, as_statements, authorize
from sandbox.aws.iot_sql import Facts, filled
from sandbox.context import Invocation
from sandbox.services.iot.message import Message, Origin
from sandbox.services.iot.topics import ingested, topic_fault

if TYPE_CHECKING:
    from sandbox.control.iot import IotRule
    from sandbox.services.iot.broker import Broker

_SERVICE = Principal.aws_service("iot.amazonaws.com")
_DEEPEST = 8  # rules that republish into one another stop here (UNSOURCED)


class ActionError(Exception):
    """An action failed; the message says why."""


@dataclass(frozen=True, slots=True)
class Task:
    """What an action works with. ``selected``: a JSON value, or the payload's bytes as they came."""

    broker: Broker
    rule: IotRule
    message: Message
    facts: Facts
    selected: Any

    @property
    def body(self) -> bytes:
        """What was selected, as it is sent on."""
        if isinstance(self.selected, bytes):
            return self.selected
        return json.dumps(self.selected, separators=(",", ":"), ensure_ascii=False).encode()

    async def call(self, service: str, operation: str, **params: Any) -> None:
        """Call an AWS API. Raises ``AwsError``, and :class:`ActionError` for parameters that no API would take."""
        from botocore.exceptions import ParamValidationError

        try:
            await self.broker.sandbox.control.call(service, operation, **params)
        except ParamValidationError as wrong:
            raise ActionError(str(wrong)) from wrong


async def _lambda(task: Task, settings: Mapping[str, Any]) -> None:
    """Invokes the function asynchronously; its policy has to let the rule in."""
    function = str(settings["functionArn"])
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


async def _sqs(task: Task, settings: Mapping[str, Any]) -> None:
    body = task.body
    text = base64.b64encode(body).decode() if settings.get("useBase64") else body.decode("utf-8", "replace")
    await task.call("sqs", "SendMessage", QueueUrl=settings["queueUrl"], MessageBody=text)


async def _sns(task: Task, settings: Mapping[str, Any]) -> None:
    structure = {"MessageStructure": "json"} if settings.get("messageFormat") == "JSON" else {}
    text = task.body.decode("utf-8", "replace")
    await task.call("sns", "Publish", TopicArn=settings["targetArn"], Message=text, **structure)


async def _republish(task: Task, settings: Mapping[str, Any]) -> None:
    broker = task.broker
    topic = filled(settings["topic"], task.facts)
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


async def _dynamodb(task: Task, settings: Mapping[str, Any]) -> None:
    """One item: the keys, and what was selected in ``payload`` (or ``payloadField``)."""
    if settings.get("operation", "INSERT") != "INSERT":
        raise ActionError(
            f"The sandbox does not emulate the operation {settings['operation']} of the action dynamoDB."
        )
    item: dict[str, Any] = {}
    for part in ("hash", "range"):
        if settings.get(f"{part}KeyField"):
            kind = "N" if settings.get(f"{part}KeyType") == "NUMBER" else "S"
            item[settings[f"{part}KeyField"]] = {kind: filled(settings[f"{part}KeyValue"], task.facts)}
    item[settings.get("payloadField") or "payload"] = _attribute(task.selected)
    await task.call("dynamodb", "PutItem", TableName=settings["tableName"], Item=item)


async def _dynamodb_v2(task: Task, settings: Mapping[str, Any]) -> None:
    """Each selected member is an attribute."""
    if not isinstance(task.selected, Mapping):
        raise ActionError("what was selected is no object")
    item = {name: _attribute(value) for name, value in task.selected.items()}
    await task.call("dynamodb", "PutItem", TableName=settings["putItem"]["tableName"], Item=item)


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


ACTIONS: Mapping[str, Callable[[Task, Mapping[str, Any]], Awaitable[None]]] = {
    "lambda": _lambda,
    "sqs": _sqs,
    "sns": _sns,
    "republish": _republish,
    "dynamoDB": _dynamodb,
    "dynamoDBv2": _dynamodb_v2,
}
