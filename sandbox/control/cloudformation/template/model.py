"""A template's parts as the engine needs them, after transforms and with its conditions decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

DeletionPolicy = Literal["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"]


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """A resource that the template asks for; ``properties`` still hold intrinsic functions."""

    logical_id: str
    type: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    deletion_policy: DeletionPolicy = "Delete"
    update_replace_policy: DeletionPolicy = "Delete"
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """An output; ``value`` and ``export`` still hold intrinsic functions."""

    name: str
    value: Any
    description: str | None = None
    export: Any = None


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """A parameter's value. ``value``: text or, for a list type, a list of texts; ``given``: as the caller sent
    it (the parameter store's key for an SSM type); ``no_echo``: never shown."""

    name: str
    value: str | list[str]
    given: str
    no_echo: bool = False
    resolved: str | None = None  # what an SSM parameter held

    @property
    def shown(self) -> str:
        """What the API shows."""
        return "****" if self.no_echo else self.given


@dataclass(frozen=True, slots=True)
class Template:
    """A template with its parameters filled in: only the resources and outputs whose conditions hold."""

    original: str
    processed: Mapping[str, Any]
    parameters: Mapping[str, ParameterValue]
    resources: Mapping[str, ResourceSpec]
    outputs: Mapping[str, OutputSpec]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, bool]
    description: str | None
    transforms: tuple[str, ...]
