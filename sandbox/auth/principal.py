"""Who calls, and what the policies let them do.

Source: IAM User Guide, "Policy evaluation logic". Identity policies and one resource policy are evaluated;
service control policies, permissions boundaries and session policies are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sandbox.auth.conditions import Context, as_list, expand, met, wildcard
from sandbox.auth.credentials import Credential

Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller. ``account`` is empty for an anonymous one and for an AWS service (which has ``service``)."""

    arn: str
    account: str
    access_key: str = ""
    user_id: str = ""
    policies: tuple[Statement, ...] = ()
    is_root: bool = False
    service: str | None = None
    context: Context = field(default_factory=dict)  # condition keys of the session

    @classmethod
    def of(cls, credential: Credential) -> Principal:
        """The principal that owns an access key."""
        arn = credential.principal_arn
        account = arn.split(":")[4] if arn.count(":") >= 5 else ""
        user_id = credential.user_id or account
        return cls(
            arn,
            account,
            credential.access_key,
            user_id,
            credential.policies,
            credential.is_root,
            context=credential.context,
        )

    @classmethod
    def aws_service(cls, name: str) -> Principal:
        """An AWS service that calls by itself: ``apigateway.amazonaws.com``."""
        return cls(arn=name, account="", service=name)


ANONYMOUS = Principal(arn="anonymous", account="")


class StatementLike(Protocol):
    """A resource policy's statement as the control plane keeps it."""

    @property
    def effect(self) -> str: ...
    @property
    def principal(self) -> Any: ...
    @property
    def action(self) -> tuple[str, ...]: ...
    @property
    def resource(self) -> str: ...
    @property
    def condition(self) -> Mapping[str, Any]: ...


def as_statements(policy: Iterable[StatementLike]) -> tuple[Statement, ...]:
    """Statements of the control plane in the form of IAM's JSON."""
    return tuple(
        {
            "Effect": s.effect,
            "Principal": s.principal,
            "Action": s.action,
            "Resource": s.resource,
            "Condition": s.condition,
        }
        for s in policy
    )


@dataclass(frozen=True, slots=True)
class _Question:
    principal: Principal
    action: str
    resource: str
    context: Context = field(default_factory=dict)


def authorize(
    principal: Principal,
    action: str,
    resource: str,
    *,
    resource_policy: Sequence[Statement] = (),
    context: Context | None = None,
) -> bool:
    """Whether the principal may do the action on the resource (an ARN).

    ``resource_policy``: statements with a ``Principal``. ``context``: condition keys (``aws:SourceArn``);
    those of the principal are added. In the resource's own account an allow of either side is enough, from
    another account both have to allow.
    """
    question = _Question(principal, action, resource, _context(principal, context or {}))
    identity = [s for policy in principal.policies for s in as_list(policy.get("Statement"))]
    identity = [s for s in identity if _applies(s, question)]
    direct, by_account = _of_resource(resource_policy, question)
    if any(s.get("Effect") == "Deny" for s in (*identity, *direct, *by_account)):
        return False
    identity_allows = principal.is_root or any(s.get("Effect") == "Allow" for s in identity)
    directly = any(s.get("Effect") == "Allow" for s in direct)
    if principal.account and principal.account != _account(resource):
        return identity_allows and (directly or any(s.get("Effect") == "Allow" for s in by_account))
    return directly or identity_allows


def _account(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""


def _context(principal: Principal, given: Context) -> dict[str, Any]:
    own: dict[str, Any] = {}
    if principal.account:
        own = {
            "aws:PrincipalArn": _role_of(principal.arn) or principal.arn,
            "aws:PrincipalAccount": principal.account,
            "aws:userid": principal.user_id,
            "aws:PrincipalType": "Account" if principal.is_root else _kind(principal.arn),
        }
        if ":user/" in principal.arn:
            own["aws:username"] = principal.arn.rsplit("/", 1)[-1]
    return own | dict(principal.context) | dict(given)


def _kind(arn: str) -> Literal["User", "AssumedRole"]:
    return "AssumedRole" if ":assumed-role/" in arn else "User"


def _role_of(arn: str) -> str | None:
    """The role of a session: ``arn:aws:sts::1:assumed-role/R/s`` -> ``arn:aws:iam::1:role/R``."""
    match = re.fullmatch(r"arn:([^:]+):sts::([^:]*):assumed-role/(.+)/[^/]+", arn)
    return f"arn:{match[1]}:iam::{match[2]}:role/{match[3]}" if match else None


def _applies(statement: Statement, question: _Question) -> bool:
    return (
        _member(statement, "Action", question.action, question.context, ignore_case=True)
        and _member(statement, "Resource", question.resource, question.context)
        and met(statement.get("Condition") or {}, question.context)
    )


def _member(
    statement: Statement, name: str, actual: str, context: Context, *, ignore_case: bool = False
) -> bool:
    """Whether ``Action`` (or ``NotAction``) covers a value. Without ``Resource`` it is about its own."""
    negated = f"Not{name}" in statement
    patterns = as_list(statement.get(f"Not{name}" if negated else name))
    if not patterns:
        return name == "Resource"
    hit = any(wildcard(expand(str(p), context), actual, ignore_case=ignore_case) for p in patterns)
    return hit != negated


def _of_resource(policy: Sequence[Statement], question: _Question) -> tuple[list[Statement], list[Statement]]:
    """The statements that apply: those naming the principal itself, and those naming only its account."""
    direct: list[Statement] = []
    by_account: list[Statement] = []
    for statement in policy:
        if not _applies(statement, question):
            continue
        if "NotPrincipal" in statement:
            if _names(statement["NotPrincipal"], question.principal) is None:
                direct.append(statement)
            continue
        how = _names(statement.get("Principal"), question.principal)
        if how == "itself":
            direct.append(statement)
        elif how == "account":
            # Naming an account delegates to it; a deny that names an account means everybody in it.
            (direct if statement.get("Effect") == "Deny" else by_account).append(statement)
    return direct, by_account


def _names(element: Any, principal: Principal) -> Literal["itself", "account"] | None:
    """How a ``Principal`` element names the caller."""
    if isinstance(element, Mapping):
        pairs = [(kind, value) for kind, values in element.items() for value in as_list(values)]
    else:
        # AddPermission takes bare texts: "*", an account, an ARN or a service.
        pairs = [(_kind_of_text(str(value)), value) for value in as_list(element)]
    found = {_name(kind, str(value), principal) for kind, value in pairs}
    return "itself" if "itself" in found else "account" if "account" in found else None


def _kind_of_text(text: str) -> str:
    return "Service" if re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", text) else "AWS"


def _name(kind: str, text: str, principal: Principal) -> Literal["itself", "account"] | None:
    if kind == "Service":
        return "itself" if principal.service is not None and text in (principal.service, "*") else None
    if kind != "AWS":
        return None
    if text == "*":
        # Everybody: for a service too when the statement is not bound to AWS accounts by a condition.
        return "itself"
    if not principal.account:
        return None
    if text in (principal.arn, _role_of(principal.arn)):
        return "itself"
    if text == principal.account or re.fullmatch(rf"arn:[^:]+:iam::{principal.account}:root", text):
        return "itself" if principal.is_root else "account"
    return None
