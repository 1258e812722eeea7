"""Tags of everything that has an ARN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.elbv2.state import State, invalid, tags_of


class Tags:
    """Add, remove, describe."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"AddTags": self.add, "RemoveTags": self.remove, "DescribeTags": self.describe}

    def _of(self, arn: str) -> dict[str, str]:
        kind = arn.partition("elasticloadbalancing:")[2].split(":")[-1].partition("/")[0]
        state = self._state
        if kind == "loadbalancer":
            return state.balancer(arn).tags
        if kind == "targetgroup":
            return state.group(arn).tags
        if kind == "listener":
            return state.listener(arn).tags
        if kind == "listener-rule":
            return state.rule(arn)[1].tags
        raise invalid(f"'{arn}' is not a valid load balancer ARN")

    async def add(self, call: Call) -> Mapping[str, Any]:
        """``AddTags``."""
        for arn in call.params["ResourceArns"]:
            self._of(arn).update(tags_of(call.params))
        return {}

    async def remove(self, call: Call) -> Mapping[str, Any]:
        """``RemoveTags``."""
        for arn in call.params["ResourceArns"]:
            tags = self._of(arn)
            for key in call.params["TagKeys"]:
                tags.pop(key, None)
        return {}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeTags``."""
        return {
            "TagDescriptions": [
                {"ResourceArn": arn, "Tags": [{"Key": k, "Value": v} for k, v in self._of(arn).items()]}
                for arn in call.params["ResourceArns"]
            ]
        }
