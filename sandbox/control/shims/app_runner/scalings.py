"""Operations on auto scaling configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.app_runner.state import State
from sandbox.control.shims.call import Call, Handler
from sandbox.control.validation import validate


class Scalings:
    """Create, describe, list, delete."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateAutoScalingConfiguration": self.create,
            "DescribeAutoScalingConfiguration": self.describe,
            "ListAutoScalingConfigurations": self.list,
            "DeleteAutoScalingConfiguration": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateAutoScalingConfiguration``: a new revision of its name."""
        validate(call.operation.model, call.params)
        given = call.params
        made = self._state.make_scaling(
            given["AutoScalingConfigurationName"],
            given.get("MaxConcurrency", 100),
            given.get("MinSize", 1),
            given.get("MaxSize", 25),
        )
        return {"AutoScalingConfiguration": made.info}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeAutoScalingConfiguration``."""
        found = self._state.scaling(call.params["AutoScalingConfigurationArn"])
        return {"AutoScalingConfiguration": found.info}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListAutoScalingConfigurations``."""
        self._state.scaling(None)
        left_out = ("Latest", "MaxConcurrency", "MinSize", "MaxSize")
        known = self._state.records.scalings.values()
        shown = [{name: value for name, value in s.info.items() if name not in left_out} for s in known]
        return {"AutoScalingConfigurationSummaryList": shown}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteAutoScalingConfiguration``."""
        found = self._state.scaling(call.params["AutoScalingConfigurationArn"])
        del self._state.records.scalings[found.arn]
        return {"AutoScalingConfiguration": {**found.info, "Status": "INACTIVE"}}
