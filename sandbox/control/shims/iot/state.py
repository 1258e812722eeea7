"""IoT's policies, authorizers and topic rules: ours. Things, certificates and the rest are moto's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.moto_backend import MotoBackend
from sandbox.control.shims.call import Call
from sandbox.control.validation import validate

MOST_VERSIONS = 5  # of a policy: botocore, CreatePolicyVersion


@dataclass(slots=True)
class Version:
    """A version of a policy."""

    id: str
    document: str
    made: datetime


@dataclass(slots=True)
class Policy:
    """An IoT policy. ``targets``: certificates' ARNs, thing groups' ARNs, Cognito identities, in their order."""

    name: str
    versions: list[Version]
    default: str
    targets: list[str] = field(default_factory=list)
    numbered: int = 1

    @property
    def current(self) -> Version:
        """The version that counts."""
        return next(one for one in self.versions if one.id == self.default)


@dataclass(slots=True)
class Authorizer:
    """A custom authorizer as CreateAuthorizer was given it."""

    name: str
    config: dict[str, Any]
    made: datetime
    changed: datetime


@dataclass(slots=True)
class Rule:
    """A topic rule. ``payload``: as CreateTopicRule was given it."""

    name: str
    payload: dict[str, Any]
    made: datetime


@dataclass(slots=True)
class State:
    """All of it. Only touched on the loop."""

    sandbox: Sandbox
    moto: MotoBackend
    policies: dict[str, Policy] = field(default_factory=dict)
    authorizers: dict[str, Authorizer] = field(default_factory=dict)
    default_authorizer: str | None = None
    rules: dict[str, Rule] = field(default_factory=dict)
    things: dict[str, dict[str, None]] = field(default_factory=dict)  # names by Cognito identity, in order
    tags: dict[str, dict[str, str]] = field(default_factory=dict)  # of what is ours, by ARN

    def reset(self) -> None:
        """Forget everything."""
        self.policies.clear()
        self.authorizers.clear()
        self.rules.clear()
        self.tags.clear()
        self.things.clear()
        self.default_authorizer = None

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a ``policy``, an ``authorizer`` or a ``rule``."""
        settings = self.sandbox.settings
        return f"arn:aws:iot:{settings.region}:{settings.account}:{kind}/{name}"

    def now(self) -> datetime:
        """The sandbox's date."""
        return self.sandbox.clock.utcnow()

    def policy(self, name: str) -> Policy:
        """A policy. Raises ``ResourceNotFoundException``."""
        found = self.policies.get(name)
        if found is None:
            raise not_found(f"Policy not found (policyName={name})")
        return found

    def authorizer(self, name: str) -> Authorizer:
        """An authorizer. Raises ``ResourceNotFoundException``."""
        found = self.authorizers.get(name)
        if found is None:
            raise not_found(f"Authorizer not found (authorizerName={name})")
        return found

    def endpoint(self) -> str:
        """The account's own part of the endpoint's host name: 14 letters and digits, the same in each run."""
        settings = self.sandbox.settings
        digest = hashlib.sha256(f"{settings.account}/{settings.region}".encode()).digest()
        letters = "abcdefghijklmnopqrstuvwxyz0123456789"
        return "a" + "".join(letters[byte % 36] for byte in digest[:13])


def document_of(text: str) -> Mapping[str, Any]:
    """A policy document. Raises ``MalformedPolicyException``."""
    try:
        document = json.loads(text)
        statements = document["Statement"]
        if isinstance(statements, Mapping):
            statements = [statements]
        good = all(
            one["Effect"] in ("Allow", "Deny") and one["Action"] and one["Resource"] for one in statements
        )
    except (ValueError, KeyError, TypeError) as wrong:
        raise malformed(f"the document has no valid Statement: {wrong!r}") from wrong
    if not good or not isinstance(document, dict) or "Version" not in document:
        raise malformed("Version, Statement, and in each statement Effect, Action and Resource are needed")
    return document


def check(call: Call) -> None:
    """Parameters within the model's bounds. IoT calls what is not an ``InvalidRequestException``, in AWS's words."""
    try:
        validate(call.operation.model, call.params)
    except AwsError as error:
        raise invalid(error.message) from error


def malformed(why: str) -> AwsError:
    """A document that means nothing."""
    return AwsError(400, "MalformedPolicyException", f"Policy document is Malformed: {why}")


def not_found(message: str) -> AwsError:
    """404."""
    return AwsError(404, "ResourceNotFoundException", message)


def invalid(message: str) -> AwsError:
    """400."""
    return AwsError(400, "InvalidRequestException", message)
