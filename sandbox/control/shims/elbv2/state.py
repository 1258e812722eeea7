"""What the parts of the API share: the records, ARNs, and looking things up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.elbv2 import Listener, LoadBalancer, LoadBalancing, Rule, TargetGroup
from sandbox.control.shims.call import Call

T = TypeVar("T")


def invalid(message: str) -> AwsError:
    """A request that AWS refuses."""
    return AwsError(400, "ValidationError", message)


def not_found(kind: str, what: str) -> AwsError:
    """``kind``: ``LoadBalancer``."""
    words = {"LoadBalancer": "load balancers", "TargetGroup": "target groups", "Listener": "listeners"}
    return AwsError(400, f"{kind}NotFound", f"One or more {words.get(kind, 'rules')} not found: {what}")


class State:
    """The records and the sandbox that they belong to."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.records = LoadBalancing()

    def reset(self) -> None:
        """Forget everything."""
        self.records.clear()

    def changed(self) -> None:
        """Let the data plane know."""
        self.records.changes.tell()

    def arn(self, call: Call, resource: str) -> str:
        """An ARN of this service."""
        return f"arn:aws:elasticloadbalancing:{call.target.region}:{self.sandbox.settings.account}:{resource}"

    def id(self) -> str:
        """The last part of an ARN."""
        return self.sandbox.ids.hex(16)

    def balancer(self, arn: str) -> LoadBalancer:
        """By ARN. Raises ``AwsError``."""
        found = self.records.load_balancers.get(arn)
        if found is None:
            raise not_found("LoadBalancer", arn)
        return found

    def group(self, arn: str) -> TargetGroup:
        """By ARN. Raises ``AwsError``."""
        found = self.records.target_groups.get(arn)
        if found is None:
            raise not_found("TargetGroup", arn)
        return found

    def listener(self, arn: str) -> Listener:
        """By ARN. Raises ``AwsError``."""
        for listener in self.records.listeners():
            if listener.arn == arn:
                return listener
        raise not_found("Listener", arn)

    def rule(self, arn: str) -> tuple[Listener, Rule]:
        """By ARN, with the listener that has it. Raises ``AwsError``."""
        for listener in self.records.listeners():
            for rule in listener.in_order():
                if rule.arn == arn:
                    return listener, rule
        raise not_found("Rule", arn)


def page(params: Mapping[str, Any], found: Iterable[T], size: int = 400) -> tuple[list[T], dict[str, str]]:
    """A page of a list and the marker of the next one."""
    items = list(found)
    start = int(params.get("Marker") or 0) if str(params.get("Marker") or 0).isdigit() else 0
    end = start + int(params.get("PageSize") or size)
    return items[start:end], ({"NextMarker": str(end)} if end < len(items) else {})


def tags_of(params: Mapping[str, Any]) -> dict[str, str]:
    """The ``Tags`` of a request."""
    return {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags") or []}


def pairs(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    """Attributes as the API shows them."""
    return [{"Key": key, "Value": value} for key, value in attributes.items()]
