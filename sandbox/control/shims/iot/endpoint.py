"""Where the account's clients connect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.iot.state import State, invalid

# DescribeEndpoint's types; the two without a broker behind them are names only.
_TYPES = {
    "iot:Data": "{id}.iot.{region}.amazonaws.com",
    "iot:Data-ATS": "{id}-ats.iot.{region}.amazonaws.com",
    "iot:Data-Beta": "{id}.beta.iot.{region}.amazonaws.com",
    "iot:CredentialProvider": "{id}.credentials.iot.{region}.amazonaws.com",
    "iot:Jobs": "{id}.jobs.iot.{region}.amazonaws.com",
}


class Endpoint:
    """``DescribeEndpoint``, and the tags of what is ours."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "DescribeEndpoint": self.describe,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.tags,
        }

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeEndpoint``; without a type it is ``iot:Data`` (API reference)."""
        wanted = call.params.get("endpointType") or "iot:Data"
        if wanted not in _TYPES:
            raise invalid(f"endpointType must be one of {', '.join(_TYPES)}, not {wanted}")
        settings = self._state.sandbox.settings
        address = _TYPES[wanted].format(id=self._state.endpoint(), region=settings.region)
        return {"endpointAddress": address}

    async def tag(self, call: Call) -> Any:
        """``TagResource``."""
        tags = self._state.tags.get(call.params["resourceArn"])
        if tags is None:
            return await call.moto()
        tags.update({one["Key"]: one.get("Value", "") for one in call.params["tags"]})
        return {}

    async def untag(self, call: Call) -> Any:
        """``UntagResource``."""
        tags = self._state.tags.get(call.params["resourceArn"])
        if tags is None:
            return await call.moto()
        for key in call.params["tagKeys"]:
            tags.pop(key, None)
        return {}

    async def tags(self, call: Call) -> Any:
        """``ListTagsForResource``."""
        tags = self._state.tags.get(call.params["resourceArn"])
        if tags is None:
            return await call.moto()
        return {"tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
