"""A definition in the Amazon States Language, as far as it is played; what is not is refused by name.

Source: the language's specification (states-language.net): states, ``Retry``, ``Catch``, error names, defaults.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError

_TOP = {"Comment", "StartAt", "States", "TimeoutSeconds", "Version"}
_COMMON = {"Type", "Comment", "Next", "End"}
_FIELDS = {
    "Task": _COMMON | {"Resource", "Retry", "Catch", "TimeoutSeconds"},
    "Pass": _COMMON | {"Result"},
    "Wait": _COMMON | {"Seconds"},
    "Succeed": {"Type", "Comment"},
    "Fail": {"Type", "Comment", "Error", "Cause"},
}
_TYPES = {*_FIELDS, "Choice", "Parallel", "Map"}
_RETRIER = {
    "ErrorEquals",
    "IntervalSeconds",
    "MaxAttempts",
    "BackoffRate",
    "MaxDelaySeconds",
    "JitterStrategy",
}
_CATCHER = {"ErrorEquals", "Next", "Comment"}


@dataclass(frozen=True, slots=True)
class Definition:
    """``states``: by name, each with the fields of its type only. ``timeout_s`` of a whole execution."""

    start_at: str
    states: Mapping[str, Mapping[str, Any]]
    timeout_s: float | None


def read(text: str) -> Definition:
    """Raises ``InvalidDefinition``, or :class:`NotEmulatedError` for what is valid on AWS and not played here."""
    try:
        value = json.loads(text)
    except ValueError as e:
        raise _invalid("INVALID_JSON_DESCRIPTION", str(e)) from e
    if not isinstance(value, dict):
        raise _invalid("INVALID_JSON_DESCRIPTION", "the definition is no object")
    states = value.get("States")
    if not isinstance(states, dict) or not states:
        raise _invalid("SCHEMA_VALIDATION_FAILED", "The field 'States' is required and must not be empty")
    _only(value, _TOP, "the definition")
    for name, state in states.items():
        _check(name, state, states)
    _target(value.get("StartAt"), states, "/StartAt")
    return Definition(value["StartAt"], states, value.get("TimeoutSeconds"))


def _check(name: str, state: Any, states: Mapping[str, Any]) -> None:
    where = f"/States/{name}"
    kind = state.get("Type") if isinstance(state, dict) else None
    if kind not in _TYPES:
        raise _invalid("SCHEMA_VALIDATION_FAILED", f"Type is not one of {sorted(_TYPES)} at {where}")
    if kind not in _FIELDS:
        raise NotEmulatedError(f"{kind} states of Step Functions ({where})")
    _only(state, _FIELDS[kind], where)
    if kind not in ("Succeed", "Fail") and state.get("End") is not True:
        _target(state.get("Next"), states, f"{where}/Next")
    if kind == "Task":
        resource = str(state.get("Resource", ""))
        if ":lambda:" not in resource or ":function:" not in resource:
            raise NotEmulatedError(
                f"tasks of Step Functions other than Lambda functions ({resource!r} at {where})"
            )
        for retrier in state.get("Retry", ()):
            _only(retrier, _RETRIER, f"{where}/Retry")
            if retrier.get("JitterStrategy", "NONE") != "NONE":
                raise NotEmulatedError(f"jitter of Step Functions ({where}/Retry)")
        for catcher in state.get("Catch", ()):
            _only(catcher, _CATCHER, f"{where}/Catch")
            _target(catcher.get("Next"), states, f"{where}/Catch/Next")
    if kind == "Wait" and not isinstance(state.get("Seconds"), int | float):
        raise _invalid("SCHEMA_VALIDATION_FAILED", f"The field 'Seconds' should be a number at {where}")


def _only(value: Mapping[str, Any], known: set[str], where: str) -> None:
    """The language has more fields than these: which of the others are right is not judged."""
    other = next((name for name in value if name not in known), None)
    if other is not None:
        raise NotEmulatedError(f"the field {other!r} of Step Functions at {where}")


def _target(name: Any, states: Mapping[str, Any], where: str) -> None:
    if name not in states:
        raise _invalid("SCHEMA_VALIDATION_FAILED", f"MISSING_TRANSITION_TARGET: no state {name!r} at {where}")


def _invalid(code: str, why: str) -> AwsError:
    return AwsError(400, "InvalidDefinition", f"Invalid State Machine Definition: '{code}: {why}'")
