"""``Rules``: assertions about parameters, as the CDK writes them to check the version of its bootstrap stack.

Source: AWS CloudFormation User Guide, "Rules". What AWS says of a failed assertion is UNSOURCED here: the rule's
own description is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.cloudformation.errors import ValidationError
from sandbox.control.cloudformation.template.intrinsics import Scope, resolve, text, truth


def check_rules(rules: Mapping[str, Any], scope: Scope) -> None:
    """Raise :class:`ValidationError` when an assertion of a rule that applies does not hold."""
    for name, rule in rules.items():
        path = ("Rules", name)
        if "RuleCondition" in rule and not _holds(rule["RuleCondition"], scope, path):
            continue
        for assertion in rule.get("Assertions") or []:
            if not _holds(assertion["Assert"], scope, path):
                why = assertion.get("AssertDescription", f"Assertion of rule {name} failed")
                raise ValidationError(f"Template error: {why}", path)


def _holds(function: Any, scope: Scope, path: tuple[str, str]) -> bool:
    if not isinstance(function, dict) or len(function) != 1:
        raise ValidationError("Template error: every assertion of a rule is a rule-specific function", path)
    ((name, argument),) = function.items()
    if name == "Fn::And":
        return all(_holds(part, scope, path) for part in argument)
    if name == "Fn::Or":
        return any(_holds(part, scope, path) for part in argument)
    if name == "Fn::Not":
        return not _holds(argument[0], scope, path)
    if name == "Fn::Equals":
        return truth(function, scope)
    if name not in ("Fn::Contains", "Fn::EachMemberIn", "Fn::EachMemberEquals"):
        raise ValidationError(f"Template error: the sandbox does not emulate {name} in Rules", path)
    first, second = (_texts(resolve(part, scope)) for part in argument)
    if name == "Fn::Contains":
        return second[0] in first
    return all(item in second for item in first)


def _texts(value: Any) -> list[str]:
    return [text(item) for item in (value if isinstance(value, list) else [value])]
