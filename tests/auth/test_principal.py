"""IAM evaluation: identity policies, a resource policy, conditions."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.auth import ANONYMOUS, Principal, authorize
from sandbox.auth.conditions import met

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:chat"
ADA = "arn:aws:iam::000000000000:user/ada"


def user(*statements: dict[str, Any], arn: str = ADA, root: bool = False) -> Principal:
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    return Principal(arn, arn.split(":")[4], "AKIA", "AIDA", (policy,), root)


def allow(action: Any = "lambda:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "lambda:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def may(principal: Principal, *resource_policy: dict[str, Any], **context: Any) -> bool:
    keys = {name.replace("_", ":", 1): value for name, value in context.items()}
    return authorize(
        principal, "lambda:InvokeFunction", FUNCTION, resource_policy=resource_policy, context=keys
    )


def test_nothing_said_is_a_no() -> None:
    assert not may(user())
    assert not may(ANONYMOUS)


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("lambda:InvokeFunction", FUNCTION, True),
        ("lambda:invokefunction", FUNCTION, True),
        ("lambda:Invoke*", FUNCTION[:-2] + "??", True),
        (["s3:*", "lambda:*"], ["x", "arn:aws:lambda:*:*:function:*"], True),
        ("lambda:GetFunction", FUNCTION, False),
        ("lambda:*", FUNCTION + "2", False),
        ("*", "*", True),
    ],
)
def test_actions_and_resources_match_by_wildcard(action: Any, resource: Any, allowed: bool) -> None:
    assert may(user(allow(action, resource))) is allowed


def test_explicit_deny_wins_everywhere() -> None:
    assert not may(user(allow(), deny("lambda:InvokeFunction")))
    assert not may(user(allow()), deny(Principal="*"))
    assert not may(user(deny(), root=True))


def test_root_may_all_that_is_not_denied() -> None:
    root = user(arn="arn:aws:iam::000000000000:root", root=True)
    assert may(root)
    assert not may(root, deny(Principal={"AWS": "000000000000"}))


def test_not_action_and_not_resource() -> None:
    assert may(user({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}))
    assert not may(user({"Effect": "Allow", "Action": "*", "NotResource": FUNCTION}))


@pytest.mark.parametrize(
    ("element", "allowed"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ADA}, True),
        ({"AWS": ["arn:aws:iam::1:user/x", ADA]}, True),
        (
            {"AWS": "arn:aws:iam::000000000000:root"},
            False,
        ),  # delegates to the account, which has to allow too
        ({"AWS": "arn:aws:iam::000000000000:user/bob"}, False),
        ({"Service": "apigateway.amazonaws.com"}, False),
    ],
)
def test_resource_policy_names_principals(element: Any, allowed: bool) -> None:
    assert may(user(), allow(Principal=element)) is allowed


def test_resource_policy_names_the_role_of_a_session() -> None:
    session = user(arn="arn:aws:sts::000000000000:assumed-role/app/i-1")
    assert may(session, allow(Principal={"AWS": "arn:aws:iam::000000000000:role/app"}))
    assert not may(session, allow(Principal={"AWS": "arn:aws:iam::000000000000:role/other"}))


def test_another_account_needs_both_sides() -> None:
    stranger = "arn:aws:iam::111111111111:user/eve"
    granted = allow(Principal={"AWS": "111111111111"})
    assert not may(user(allow(), arn=stranger))
    assert not may(user(arn=stranger), granted)
    assert may(user(allow(), arn=stranger), granted)


@pytest.mark.parametrize(
    ("source", "allowed"), [("arn:aws:x:r:1:api/prod/GET/a", True), ("arn:aws:x:r:1:b", False)]
)
def test_service_is_allowed_by_its_source(source: str, allowed: bool) -> None:
    gateway = Principal.aws_service("apigateway.amazonaws.com")
    bound = {"ArnLike": {"AWS:SourceArn": "arn:aws:x:r:1:api/*/GET/*"}}
    for element in ({"Service": "apigateway.amazonaws.com"}, "apigateway.amazonaws.com"):
        assert may(gateway, allow(Principal=element, Condition=bound), aws_SourceArn=source) is allowed
    assert not may(gateway, allow(Principal={"Service": "s3.amazonaws.com"}))


def test_policy_variables_are_filled_in() -> None:
    assert may(user(allow(resource="arn:aws:lambda:*:*:function:${lambda:name}")), lambda_name="chat")
    assert may(user(allow(Condition={"StringEquals": {"aws:username": "ada"}})))
    assert not may(user(allow(resource="arn:aws:lambda:*:*:function:${aws:username}")))


@pytest.mark.parametrize(
    ("operator", "wanted", "actual", "result"),
    [
        ("StringEquals", "NONE", "NONE", True),
        ("StringEquals", "NONE", "none", False),
        ("StringEqualsIgnoreCase", "NONE", "none", True),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", "a", None, True),
        ("StringLike", ["x", "a*c"], "abbc", True),
        ("StringNotLike", "a*", "b", True),
        ("ArnLike", "arn:aws:sns:*:1:t*", "arn:aws:sns:eu:1:topic", True),
        ("ArnLike", "arn:aws:sns:*", "arn:aws:sns:eu:1:topic", True),
        ("ArnEquals", "arn:aws:*:1:t:x", "arn:aws:s:r:1:t:x", False),
        ("Bool", "true", True, True),
        ("Bool", True, "false", False),
        ("Bool", "true", None, False),
        ("BoolIfExists", "true", None, True),
        ("NumericLessThan", "10", 9, True),
        ("NumericLessThan", "10", 10, False),
        ("NumericGreaterThanEquals", 10, "10.0", True),
        ("NumericEquals", "x", "1", False),
        ("DateLessThan", "2026-03-01T00:00:00Z", "2026-02-28T23:59:59Z", True),
        ("DateGreaterThan", "1700000000", "2026-02-28T23:59:59Z", True),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", ["192.168.0.0/16"], "10.1.2.3", False),
        ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", True),
        ("Null", "true", None, True),
        ("Null", "false", "x", True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAnyValue:StringEquals", ["a", "b"], ["a", "c"], True),
        ("ForAnyValue:StringEquals", "a", None, False),
        ("StringResembles", "a", "a", False),
    ],
)
def test_condition_operators(operator: str, wanted: Any, actual: Any, result: bool) -> None:
    context = {} if actual is None else {"aws:Key": actual}
    assert met({operator: {"AWS:key": wanted}}, context) is result


def test_all_conditions_have_to_be_met() -> None:
    block = {"StringEquals": {"a:a": "1", "a:b": "2"}, "Bool": {"a:c": "true"}}
    assert met(block, {"a:a": "1", "a:b": "2", "a:c": True})
    assert not met(block, {"a:a": "1", "a:b": "3", "a:c": True})
