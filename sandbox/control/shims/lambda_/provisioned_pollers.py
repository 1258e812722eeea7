"""``ProvisionedPollerConfig`` of an event source mapping of a queue (botocore, lambda; facts 8.7).

The words of all refusals are UNSOURCED; what is refused is the API reference's.
"""

from __future__ import annotations

from typing import Any

from sandbox.control.shims.lambda_.store import invalid
from sandbox.limits import Limits

_ENDS = {"MinimumPollers": "min", "MaximumPollers": "max"}


def complete(members: dict[str, Any], limits: Limits) -> None:
    """Fill in what was not said, in a mapping's members. Raises ``InvalidParameterValueException``."""
    given = members.get("ProvisionedPollerConfig")
    if not given:
        return
    if not limits.available("event_sources.provisioned.available"):
        raise invalid("ProvisionedPollerConfig is not supported for SQS event source mappings.")
    if members.get("ScalingConfig"):
        raise invalid("ProvisionedPollerConfig and ScalingConfig cannot be specified together.")
    if given.get("PollerGroupName"):
        raise invalid("PollerGroupName is not supported for SQS event source mappings.")
    whole = {name: given.get(name, limits.value(_row(name))) for name in _ENDS}
    for name, value in whole.items():
        row = limits.row(_row(name))
        if row.min is not None and value < row.min:
            raise invalid(f"{name} must be at least {row.min} for SQS event source mappings.")
    if whole["MinimumPollers"] > whole["MaximumPollers"]:
        raise invalid("MinimumPollers must not be greater than MaximumPollers.")
    members["ProvisionedPollerConfig"] = whole


def _row(name: str) -> str:
    return f"event_sources.provisioned.pollers.{_ENDS[name]}"
