"""What a stack is, and what happened to it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sandbox.control.cloudformation.template.model import ResourceSpec, Template

OnFailure = Literal["ROLLBACK", "DELETE", "DO_NOTHING"]
STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class StackEvent:
    """One line of a stack's history, in the API's words."""

    id: str
    at: datetime
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None = None
    properties: dict[str, Any] | None = None
    token: str | None = None

    @property
    def properties_text(self) -> str | None:
        """The properties as the API shows them. Written when asked for: few look at a stack's history."""
        return json.dumps(self.properties, default=str, separators=(",", ":")) if self.properties else None


@dataclass(slots=True)
class StackResource:
    """A resource of a stack. ``properties``: resolved, as it was last created or updated with."""

    spec: ResourceSpec
    physical_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    status: str = ""
    reason: str | None = None
    updated: datetime | None = None

    @property
    def logical_id(self) -> str:
        return self.spec.logical_id

    @property
    def type(self) -> str:
        return self.spec.type


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a stack."""

    key: str
    value: str
    description: str | None = None
    export: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller chose besides the template."""

    tags: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[str, ...] = ()
    notification_arns: tuple[str, ...] = ()
    role_arn: str | None = None
    on_failure: OnFailure = "ROLLBACK"
    timeout_minutes: int | None = None
    parent_id: str | None = None
    root_id: str | None = None
    retain_except_on_create: bool = False

    @property
    def disable_rollback(self) -> bool:
        return self.on_failure == "DO_NOTHING"


@dataclass(slots=True)
class Stack:
    """A stack and all that it made."""

    id: str
    name: str
    created: datetime
    options: Options = Options()
    template: Template | None = None
    status: str = "REVIEW_IN_PROGRESS"
    reason: str | None = None
    updated: datetime | None = None
    deleted: datetime | None = None
    resources: dict[str, StackResource] = field(default_factory=dict)
    events: list[StackEvent] = field(default_factory=list)
    outputs: dict[str, Output] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    termination_protection: bool = False
    policy: str | None = None
    change_set_id: str | None = None
    token: str | None = None  # ClientRequestToken of the operation under way
    cancelled: bool = False
    operation: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether an operation is under way."""
        return self.operation is not None and not self.operation.done()

    @property
    def exists(self) -> bool:
        """Whether the stack's name is taken."""
        return self.status != "DELETE_COMPLETE"
