"""Change sets: what an update would do, and doing it later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sandbox.control.cloudformation.engine.stack import Options
from sandbox.control.cloudformation.template.model import Template

ChangeSetType = Literal["CREATE", "UPDATE"]


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """A resource that would change. ``properties``: changed property -> whether it needs a new resource
    (``Never``, ``Always``, ``Conditionally``)."""

    action: Literal["Add", "Modify", "Remove"]
    logical_id: str
    type: str
    physical_id: str | None = None
    replacement: Literal["True", "False", "Conditional"] | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    scope: tuple[str, ...] = ()
    policy_action: str | None = None


@dataclass(slots=True)
class ChangeSet:
    """A change set of a stack."""

    id: str
    name: str
    stack_id: str
    stack_name: str
    type: ChangeSetType
    created: datetime
    options: Options
    body: str
    description: str | None = None
    template: Template | None = None
    status: str = "CREATE_PENDING"
    execution_status: str = "UNAVAILABLE"
    reason: str | None = None
    changes: tuple[ResourceChange, ...] = ()

    def to_api(self, *, whole: bool) -> dict[str, Any]:
        """As ``DescribeChangeSet`` (``whole``) or ``ListChangeSets`` shows it."""
        shown: dict[str, Any] = {
            "ChangeSetName": self.name, "ChangeSetId": self.id, "StackId": self.stack_id,
            "StackName": self.stack_name, "Description": self.description, "CreationTime": self.created,
            "ExecutionStatus": self.execution_status, "Status": self.status, "StatusReason": self.reason,
            "IncludeNestedStacks": False,
        }  # fmt: skip
        if whole:
            parameters = self.template.parameters.values() if self.template else ()
            shown |= {
                "Parameters": [
                    {"ParameterKey": p.name, "ParameterValue": p.shown}
                    | ({"ResolvedValue": p.resolved} if p.resolved is not None else {})
                    for p in parameters
                ],
                "NotificationARNs": list(self.options.notification_arns),
                "RollbackConfiguration": {},
                "Capabilities": list(self.options.capabilities),
                "Tags": [{"Key": key, "Value": value} for key, value in self.options.tags],
                "Changes": [_change(change) for change in self.changes],
            }
        return shown


def _change(change: ResourceChange) -> dict[str, Any]:
    details = [
        {
            "Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
        for name, recreation in change.properties.items()
    ]
    shown: dict[str, Any] = {
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "PhysicalResourceId": change.physical_id,
        "ResourceType": change.type,
        "Replacement": change.replacement,
        "PolicyAction": change.policy_action,
        "Scope": list(change.scope),
        "Details": details,
    }
    return {"Type": "Resource", "ResourceChange": shown}
