"""Load balancers as they are now, for their data plane: what Elastic Load Balancing's API made, read at each request.

Actions, conditions and attributes are as botocore's ``elbv2`` model names them. The data plane writes one thing: the
health of targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.control.changes import Changes

Document = dict[str, Any]
TargetKey = tuple[str, int | None]  # (id, port); no port for a Lambda function


@dataclass(slots=True, eq=False)
class Target:
    """A registered target. ``state`` and ``reason``: as ``DescribeTargetHealth`` gives them."""

    id: str
    port: int | None
    registered: float  # seconds on the sandbox's clock
    zone: str | None = None
    state: str = "initial"
    reason: str | None = "Elb.RegistrationInProgress"
    description: str | None = "Target registration is in progress"
    healthy_since: float | None = None
    address: str | None = None  # where it is on this machine; an instance may have none

    @property
    def key(self) -> TargetKey:
        return self.id, self.port


@dataclass(slots=True, eq=False)
class TargetGroup:
    """A target group. ``info``: as ``DescribeTargetGroups`` gives it, without ``LoadBalancerArns``."""

    arn: str
    info: Document
    attributes: dict[str, str]
    targets: dict[TargetKey, Target] = field(default_factory=dict)
    draining: dict[TargetKey, Target] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return str(self.info["TargetType"])

    def seconds(self, attribute: str) -> float:
        """An attribute that is a duration."""
        return float(self.attributes[attribute])


@dataclass(slots=True, eq=False)
class Rule:
    """A rule of a listener. ``priority``: ``None`` for the default rule."""

    arn: str
    priority: int | None
    conditions: list[Document]
    actions: list[Document]
    tags: dict[str, str] = field(default_factory=dict)
    transforms: list[Document] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Listener:
    """A listener. ``info``: as ``DescribeListeners`` gives it, but for ``DefaultActions``."""

    arn: str
    load_balancer: str  # ARN
    info: Document
    default: Rule
    attributes: dict[str, str]
    rules: dict[str, Rule] = field(default_factory=dict)  # by ARN, without the default
    certificates: list[str] = field(default_factory=list)  # besides the default one
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.info["Port"])

    @property
    def protocol(self) -> str:
        return str(self.info["Protocol"])

    def in_order(self) -> list[Rule]:
        """The rules as they are asked: by priority, the default last."""
        return [*sorted(self.rules.values(), key=lambda rule: rule.priority or 0), self.default]


@dataclass(slots=True, eq=False)
class LoadBalancer:
    """A load balancer. ``info``: as ``DescribeLoadBalancers`` gives it, without ``State``."""

    arn: str
    info: Document
    attributes: dict[str, str]
    created: datetime
    listeners: dict[str, Listener] = field(default_factory=dict)  # by ARN
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.info["LoadBalancerName"])

    @property
    def dns_name(self) -> str:
        return str(self.info["DNSName"])


class LoadBalancing:
    """Everything that there is. ``changes``: told after every change by the API or of a target's health."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.load_balancers: dict[str, LoadBalancer] = {}  # by ARN
        self.target_groups: dict[str, TargetGroup] = {}  # by ARN

    def clear(self) -> None:
        """Forget everything."""
        self.load_balancers.clear()
        self.target_groups.clear()
        self.changes.tell()

    def by_name(self, name: str) -> LoadBalancer | None:
        """A load balancer by its name, or by the first label of its DNS name; letters' case does not matter."""
        wanted = name.lower()
        for balancer in self.load_balancers.values():
            if wanted in (balancer.name.lower(), balancer.dns_name.partition(".")[0].lower()):
                return balancer
        return None

    def listeners(self) -> Iterator[Listener]:
        """The listeners of all load balancers."""
        for balancer in self.load_balancers.values():
            yield from balancer.listeners.values()

    def users(self, group: str) -> list[LoadBalancer]:
        """The load balancers that send requests to a target group."""
        return [
            balancer
            for balancer in self.load_balancers.values()
            if any(
                group in groups_of(rule.actions)
                for listener in balancer.listeners.values()
                for rule in listener.in_order()
            )
        ]


def login_config(action: Document) -> Document | None:
    """The settings of an action that logs users in; ``None`` for any other."""
    name = {
        "authenticate-cognito": "AuthenticateCognitoConfig",
        "authenticate-oidc": "AuthenticateOidcConfig",
    }.get(action["Type"])
    found: Document | None = action[name] if name else None
    return found


def groups_of(actions: list[Document]) -> list[str]:
    """The ARNs of the target groups to which actions forward."""
    return [
        group for action in actions if action["Type"] == "forward" for group, _ in weighted_groups(action)
    ]


def weighted_groups(action: Document) -> list[tuple[str, int]]:
    """The target groups of a forward action with their weights (1 where none is said)."""
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    if not groups and action.get("TargetGroupArn"):
        return [(action["TargetGroupArn"], 1)]
    return [(group["TargetGroupArn"], int(group.get("Weight", 1))) for group in groups]
