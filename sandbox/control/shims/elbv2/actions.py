"""Actions and conditions of listeners and rules: what AWS takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control.elbv2 import Document, weighted_groups
from sandbox.control.shims.elbv2 import logins, patterns
from sandbox.control.shims.elbv2.state import State, invalid

_FINAL = ("forward", "redirect", "fixed-response")
_BEFORE = ("authenticate-cognito", "authenticate-oidc", "jwt-validation")
_CONFIGS = {"redirect": "RedirectConfig", "fixed-response": "FixedResponseConfig"}
_FIELDS = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "query-string": "QueryStringConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
}
_REGULAR = ("host-header", "path-pattern", "http-header")  # botocore, elbv2, RuleCondition.RegexValues
_MOST_VALUES = 5  # of all conditions of a rule together; quota "Condition values per rule"


async def checked_actions(
    state: State, given: Sequence[Mapping[str, Any]], protocol: str, before: Sequence[Document] = ()
) -> list[Document]:
    """The actions as they are kept, in their order. Raises ``AwsError``.

    ``protocol``: of the listener. ``before``: the actions that these replace, whose secrets may go on to be used.
    """
    actions = [deepcopy(dict(action)) for action in given]
    for action in actions:
        if action["Type"] not in _FINAL + _BEFORE:
            raise NotEmulatedError(f"{action['Type']} actions of Application Load Balancers")
        if action["Type"] in _BEFORE and protocol != "HTTPS":
            raise _refused(f"Actions of type '{action['Type']}' are supported only on HTTPS listeners")
    actions = _ordered(actions)
    for action in actions:
        if action["Type"] in _BEFORE:
            await logins.check(state, action, before)
        else:
            _check_action(state, action)
    return actions


def _ordered(actions: list[Document]) -> list[Document]:
    """By ``Order``: at most one before the one that ends it. Raises ``AwsError``."""
    if len(actions) > 1:
        if any("Order" not in action for action in actions):
            raise _refused("An action order must be specified when there is more than one action")
        if len({action["Order"] for action in actions}) < len(actions):
            raise _refused("Action orders must be unique")
        actions = sorted(actions, key=lambda action: int(action["Order"]))
    final = [action for action in actions if action["Type"] in _FINAL]
    if len(final) != 1 or actions[-1] is not final[0]:
        raise _refused(
            "A rule must have exactly one action of type forward, redirect or fixed-response, the last"
        )
    if len(actions) > 2:
        raise _refused("A rule can have at most one action before the last")
    return actions


def _refused(message: str) -> AwsError:
    return AwsError(400, "InvalidLoadBalancerAction", message)


def shown(actions: Sequence[Document]) -> list[Document]:
    """The actions as the API shows them: without secrets."""
    made = []
    for action in actions:
        config = action.get("AuthenticateOidcConfig")
        if config is not None:
            told = {name: value for name, value in config.items() if name != "ClientSecret"}
            action = {**action, "AuthenticateOidcConfig": told}
        made.append(action)
    return made


def _check_action(state: State, action: Document) -> None:
    kind = action["Type"]
    if kind != "forward":
        if not action.get(_CONFIGS[kind]):
            raise invalid(f"A {_CONFIGS[kind]} must be specified for an action of type '{kind}'")
        if kind == "redirect":
            _check_redirect(action["RedirectConfig"])
        return
    groups = weighted_groups(action)
    if not groups:
        raise invalid("A target group ARN must be specified for an action of type 'forward'")
    if len(groups) > 5:
        raise AwsError(400, "TooManyTargetGroups", "A forward action may have at most 5 target groups")
    for arn, weight in groups:
        state.group(arn)
        if not 0 <= weight <= 999:
            raise invalid(f"Target group weight '{weight}' must be between 0 and 999 inclusive")
    # AWS shows both forms of one group.
    config = action.setdefault("ForwardConfig", {})
    config["TargetGroups"] = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in groups]
    stickiness = config.setdefault("TargetGroupStickinessConfig", {"Enabled": False})
    if stickiness.get("Enabled") and not 1 <= int(stickiness.get("DurationSeconds", 0)) <= 604_800:
        raise invalid("Target group stickiness duration must be between 1 and 604800 seconds")
    if len(groups) == 1:
        action["TargetGroupArn"] = groups[0][0]


def _check_redirect(config: Document) -> None:
    defaults = {
        "Protocol": "#{protocol}", "Port": "#{port}", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}",
    }  # fmt: skip
    for key, value in defaults.items():
        config.setdefault(key, value)
    if all(config[key] == value for key, value in defaults.items() if key != "Query"):
        raise AwsError(
            400,
            "InvalidLoadBalancerAction",
            "The redirect configuration is not valid because it creates a loop",
        )


def checked_conditions(given: Sequence[Mapping[str, Any]]) -> list[Document]:
    """The conditions as they are kept. Raises ``AwsError``."""
    if not given:
        raise invalid("A condition must be specified")
    conditions = [_checked(dict(condition)) for condition in given]
    for field in ("host-header", "path-pattern", "http-request-method", "source-ip"):
        if sum(condition["Field"] == field for condition in conditions) > 1:
            raise invalid(f"A rule can only have one '{field}' condition")
    values = sum(len(values_of(condition)) for condition in conditions)
    if values > _MOST_VALUES:
        raise invalid(f"A rule can only have '{_MOST_VALUES}' condition values")
    return conditions


def _checked(condition: Document) -> Document:
    field = condition.get("Field", "")
    if field not in _FIELDS:
        raise invalid(f"Condition field '{field}' must be one of '[{', '.join(_FIELDS)}]'")
    config = condition.get(_FIELDS[field])
    if config is None:
        if field not in ("host-header", "path-pattern"):
            raise invalid(f"A {_FIELDS[field]} must be specified for a condition with field '{field}'")
        kinds = ("Values", "RegexValues")
        config = {kind: list(condition[kind]) for kind in kinds if condition.get(kind)}
        condition[_FIELDS[field]] = config
    if config.get("RegexValues") and field not in _REGULAR:
        raise invalid(f"Regular expressions cannot be used in a condition with field '{field}'")
    for pattern in config.get("RegexValues") or ():
        patterns.check(pattern, patterns.CONDITION)
    if not config.get("Values") and not config.get("RegexValues"):
        raise invalid(f"A condition value must be specified for field '{field}'")
    if field in ("host-header", "path-pattern") and config.get("Values"):
        condition["Values"] = list(config["Values"])
    return condition


def values_of(condition: Document) -> list[Any]:
    """The values of a condition, whatever its field."""
    config = condition[_FIELDS[condition["Field"]]]
    return [*(config.get("Values") or ()), *(config.get("RegexValues") or ())]
