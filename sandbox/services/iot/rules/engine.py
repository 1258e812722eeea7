"""Which rules a message concerns, what they select of it, and what becomes of their actions."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.aws.errors import AwsError
from sandbox.aws.iot_sql import UNDEFINED, Facts, SqlError, parse, select
from sandbox.services.iot.message import Message
from sandbox.services.iot.rules.actions import ACTIONS
from sandbox.services.iot.rules.task import ActionError, Task
from sandbox.services.iot.topics import ingested, matches

if TYPE_CHECKING:
    from sandbox.control.iot import IotRule
    from sandbox.services.iot.broker import Broker

_RESOURCES = (
    "functionArn",
    "queueUrl",
    "tableName",
    "topic",
    "targetArn",
    "bucketName",
    "logGroupName",
    "streamName",
    "deliveryStreamName",
    "metricName",
    "alarmName",
    "stateMachineName",
)


class RulesEngine:
    """Listens to the broker. Each action runs in the background, once; a failure goes to the rule's error action."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def __call__(self, message: Message, only: str | None) -> None:
        """Look at a message. ``only``: the one rule that Basic Ingest names."""
        sandbox = self._broker.sandbox
        facts: Facts | None = None
        rest = ingested(message.topic)
        topic = rest[1] if only is not None and rest is not None else message.topic
        for rule in sandbox.control.resources.iot.rules():
            if not rule.enabled or (only is not None and rule.name != only):
                continue
            try:
                query = parse(rule.sql)
                if not matches(query.topic, topic):
                    continue
                facts = facts or self._facts(message, topic)
                selected = select(query, facts)
            except SqlError as error:
                self._broker.note("rule_failed", rule.name, reason=str(error), topic=message.topic)
                continue
            if selected is not UNDEFINED:
                self._start(rule, message, facts, selected)

    def _facts(self, message: Message, topic: str) -> Facts:
        origin = message.origin
        return Facts.of(
            message.payload,
            topic=topic,
            client_id=origin.client_id,
            principal=origin.principal,
            source_ip=origin.source_ip,
            timestamp=message.epoch_ms,
            trace=message.trace,
            properties=message.properties,
            new_id=self._broker.sandbox.ids.uuid,
            shadow=self._broker.shadows.found,
        )

    def _start(self, rule: IotRule, message: Message, facts: Facts, selected: Any) -> None:
        self._broker.note("rule_matched", rule.name, topic=message.topic, cause=message.trace)
        for action in rule.actions:
            ((kind, settings),) = action.items()
            work = self._run(kind, Task(self._broker, rule, message, facts, selected, settings))
            self._broker.sandbox.spawn(work, f"rule {rule.name}")

    async def _run(self, kind: str, task: Task) -> None:
        rule = task.rule
        try:
            await _act(kind, task)
        except (ActionError, SqlError, AwsError) as error:
            self._broker.note(
                "rule_failed", rule.name, action=kind, reason=str(error), cause=task.message.trace
            )
            if rule.error_action:
                await self._tell(rule.error_action, kind, str(error), task)

    async def _tell(self, action: Mapping[str, Any], kind: str, reason: str, task: Task) -> None:
        """The error action, with AWS's message about what failed (developer guide, "Error handling")."""
        message, rule = task.message, task.rule
        told = {
            "ruleName": rule.name,
            "topic": message.topic,
            "cloudwatchTraceId": message.trace,
            "clientId": message.origin.client_id,
            "base64OriginalPayload": base64.b64encode(message.payload).decode(),
            "failures": [
                {"failedAction": kind, "failedResource": _resource(task.settings), "errorMessage": reason}
            ],
        }
        ((error_kind, settings),) = action.items()
        failed = replace(task, selected=told, settings=settings)
        try:
            await _act(error_kind, failed)
        except (ActionError, SqlError, AwsError) as error:
            self._broker.note("rule_failed", rule.name, action=f"error:{error_kind}", reason=str(error))


async def _act(kind: str, task: Task) -> None:
    run = ACTIONS.get(kind)
    if run is None:
        raise ActionError(f"The sandbox does not emulate the action {kind} of topic rules.")
    await run(task)


def _resource(settings: Mapping[str, Any]) -> str:
    """What the action wanted to reach, as its settings name it."""
    return str(next((settings[name] for name in _RESOURCES if name in settings), ""))
