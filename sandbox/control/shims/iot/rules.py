"""Topic rules: their SQL and their actions are judged when they are made, as AWS does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.aws.iot_sql import SqlError, SqlNotEmulatedError, parse
from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.iot.state import Rule, State, check, invalid

# What the data plane can do (sandbox/services/iot/rules/actions.py).
ACTIONS = frozenset(
    (
        "lambda",
        "sqs",
        "sns",
        "republish",
        "dynamoDB",
        "dynamoDBv2",
        "s3",
        "cloudwatchLogs",
        "cloudwatchMetric",
        "cloudwatchAlarm",
        "kinesis",
        "firehose",
        "stepFunctions",
    )
)


class Rules:
    """The operations on rules."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateTopicRule": self.create,
            "ReplaceTopicRule": self.replace,
            "GetTopicRule": self.get,
            "ListTopicRules": self.list_rules,
            "DeleteTopicRule": self.delete,
            "EnableTopicRule": self.enable,
            "DisableTopicRule": self.disable,
        }

    async def create(self, call: Call) -> None:
        """``CreateTopicRule``."""
        check(call)
        name = call.params["ruleName"]
        if name in self._state.rules:
            raise AwsError(409, "ResourceAlreadyExistsException", f"Rule already exists (ruleName={name})")
        payload = dict(call.params["topicRulePayload"])
        self._check(payload)
        self._state.rules[name] = Rule(name, payload, self._state.now())
        self._state.tags[self._state.arn("rule", name)] = {}

    async def replace(self, call: Call) -> None:
        """``ReplaceTopicRule``."""
        check(call)
        rule = self._rule(call)
        payload = dict(call.params["topicRulePayload"])
        self._check(payload)
        rule.payload = payload

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetTopicRule``."""
        rule = self._rule(call)
        shown = {"ruleDisabled": False, "awsIotSqlVersion": "2015-10-08", **rule.payload}
        described = {"ruleName": rule.name, "createdAt": rule.made, **shown}
        return {"ruleArn": self._state.arn("rule", rule.name), "rule": described}

    async def list_rules(self, call: Call) -> Mapping[str, Any]:
        """``ListTopicRules``."""
        topic, disabled = call.params.get("topic"), call.params.get("ruleDisabled")
        found = [
            {
                "ruleArn": self._state.arn("rule", one.name),
                "ruleName": one.name,
                "topicPattern": topic_of(one.payload["sql"]),
                "createdAt": one.made,
                "ruleDisabled": bool(one.payload.get("ruleDisabled")),
            }
            for one in self._state.rules.values()
            if (topic is None or topic_of(one.payload["sql"]) == topic)
            and (disabled is None or bool(one.payload.get("ruleDisabled")) == disabled)
        ]
        shown, token = page(found, call.params.get("maxResults"), call.params.get("nextToken"), 1000)
        return {"rules": shown, **({"nextToken": token} if token else {})}

    async def delete(self, call: Call) -> None:
        """``DeleteTopicRule``: one that is not there is no error."""
        self._state.rules.pop(call.params["ruleName"], None)
        self._state.tags.pop(self._state.arn("rule", call.params["ruleName"]), None)

    async def enable(self, call: Call) -> None:
        """``EnableTopicRule``."""
        self._rule(call).payload["ruleDisabled"] = False

    async def disable(self, call: Call) -> None:
        """``DisableTopicRule``."""
        self._rule(call).payload["ruleDisabled"] = True

    def _rule(self, call: Call) -> Rule:
        name = call.params["ruleName"]
        found = self._state.rules.get(name)
        if found is None:  # AWS does not tell whether a rule is missing or not yours (API reference)
            arn = self._state.arn("rule", name)
            raise AwsError(401, "UnauthorizedException", f"Access to topic rule '{arn}' was denied")
        return found

    def _check(self, payload: Mapping[str, Any]) -> None:
        try:
            parse(payload["sql"])
        except SqlNotEmulatedError as error:
            raise NotEmulatedError(str(error)) from error
        except SqlError as error:
            raise AwsError(400, "SqlParseException", str(error)) from error
        for action in payload["actions"]:
            if len(action) != 1:
                raise invalid("Each action has exactly one kind")
            (kind,) = action
            if kind not in ACTIONS:
                raise NotEmulatedError(f"the action {kind} of topic rules")


def topic_of(sql: str) -> str:
    """The topic filter after FROM."""
    return parse(sql).topic
