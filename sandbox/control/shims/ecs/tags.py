"""Tags of everything that has an ARN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.ecs import Document
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.ecs.state import State, invalid


class Tags:
    """Add, remove, list."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"TagResource": self.add, "UntagResource": self.remove, "ListTagsForResource": self.list}

    def _of(self, arn: str) -> list[Document]:
        records = self._state.records
        for known in (records.clusters, records.services):
            if arn in known:
                found: list[Document] = known[arn].tags
                return found
        if arn in records.tasks:
            tags: list[Document] = records.tasks[arn].info["tags"]
            return tags
        definition = self._state.find_definition(arn) if ":task-definition/" in arn else None
        if definition is None:
            raise invalid("The specified resource was not found.")
        return definition.tags

    async def add(self, call: Call) -> Mapping[str, Any]:
        """``TagResource``."""
        tags = self._of(call.params["resourceArn"])
        keys = {tag["key"] for tag in call.params["tags"]}
        tags[:] = [tag for tag in tags if tag["key"] not in keys] + list(call.params["tags"])
        return {}

    async def remove(self, call: Call) -> Mapping[str, Any]:
        """``UntagResource``."""
        tags = self._of(call.params["resourceArn"])
        tags[:] = [tag for tag in tags if tag["key"] not in call.params["tagKeys"]]
        return {}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListTagsForResource``."""
        return {"tags": self._of(call.params["resourceArn"])}
