"""Operations on rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.elbv2 import Listener, Rule
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.elbv2.actions import checked_actions, checked_conditions, shown
from sandbox.control.shims.elbv2.patterns import checked_transforms
from sandbox.control.shims.elbv2.state import State, invalid, page, tags_of
from sandbox.control.validation import validate


class Rules:
    """Create, describe, change, order and delete."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateRule": self.create,
            "DescribeRules": self.describe,
            "ModifyRule": self.modify,
            "SetRulePriorities": self.prioritize,
            "DeleteRule": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateRule``."""
        validate(call.operation.model, call.params)
        given, listener = call.params, self._state.listener(call.params["ListenerArn"])
        priority = int(given["Priority"])
        if priority in (rule.priority for rule in listener.rules.values()):
            raise _in_use(priority)
        path = listener.arn.partition("listener/")[2]
        arn = self._state.arn(call, f"listener-rule/{path}/{self._state.id()}")
        rule = Rule(
            arn,
            priority,
            checked_conditions(given["Conditions"]),
            await checked_actions(self._state, given["Actions"], listener.protocol),
            tags_of(given),
            checked_transforms(given.get("Transforms") or ()),
        )
        listener.rules[arn] = rule
        self._state.changed()
        return {"Rules": [_shown(rule)]}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeRules``."""
        given = call.params
        if given.get("RuleArns"):
            found = [self._state.rule(arn)[1] for arn in given["RuleArns"]]
        elif given.get("ListenerArn"):
            found = self._state.listener(given["ListenerArn"]).in_order()
        else:
            raise invalid("You must specify either listener rule ARNs or a listener ARN")
        part, more = page(given, found)
        return {"Rules": [_shown(rule) for rule in part], **more}

    async def modify(self, call: Call) -> Mapping[str, Any]:
        """``ModifyRule``."""
        given, (listener, rule) = call.params, self._state.rule(call.params["RuleArn"])
        if rule.priority is None:
            raise AwsError(400, "OperationNotPermitted", f"Default rule '{rule.arn}' cannot be modified")
        if given.get("Conditions"):
            rule.conditions = checked_conditions(given["Conditions"])
        if given.get("Actions"):
            rule.actions = await checked_actions(
                self._state, given["Actions"], listener.protocol, rule.actions
            )
        if given.get("Transforms") and given.get("ResetTransforms"):
            raise invalid("Transforms cannot be specified and reset at the same time")
        if given.get("Transforms") or given.get("ResetTransforms"):
            rule.transforms = checked_transforms(given.get("Transforms") or ())
        self._state.changed()
        return {"Rules": [_shown(rule)]}

    async def prioritize(self, call: Call) -> Mapping[str, Any]:
        """``SetRulePriorities``: all of them or none."""
        wanted: list[tuple[Listener, Rule, int]] = []
        for given in call.params["RulePriorities"]:
            listener, rule = self._state.rule(given["RuleArn"])
            if rule.priority is None:
                raise AwsError(
                    400, "OperationNotPermitted", f"Default rule '{rule.arn}' priority cannot be modified"
                )
            wanted.append((listener, rule, int(given["Priority"])))
        moved = {rule.arn for _, rule, _ in wanted}
        for listener, _, priority in wanted:
            held = {rule.priority for rule in listener.rules.values() if rule.arn not in moved}
            if priority in held:
                raise _in_use(priority)
        if len({(listener.arn, priority) for listener, _, priority in wanted}) < len(wanted):
            raise invalid("A priority can only be given to one rule")
        for _, rule, priority in wanted:
            rule.priority = priority
        self._state.changed()
        return {"Rules": [_shown(rule) for _, rule, _ in wanted]}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteRule``."""
        listener, rule = self._state.rule(call.params["RuleArn"])
        if rule.priority is None:
            raise AwsError(400, "OperationNotPermitted", f"Default rule '{rule.arn}' cannot be deleted")
        del listener.rules[rule.arn]
        self._state.changed()
        return {}


def _in_use(priority: int) -> AwsError:
    return AwsError(400, "PriorityInUse", f"Priority '{priority}' is currently in use")


def _shown(rule: Rule) -> dict[str, Any]:
    return {
        "RuleArn": rule.arn,
        "Priority": "default" if rule.priority is None else str(rule.priority),
        "Conditions": rule.conditions,
        "Actions": shown(rule.actions),
        "IsDefault": rule.priority is None,
        **({"Transforms": rule.transforms} if rule.transforms else {}),
    }
