"""Tags of APIs, channel namespaces and domain names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from sandbox.control.shims.appsync.state import State
from sandbox.control.shims.appsync.store import Document, not_found
from sandbox.control.shims.call import Call, Handler


class Tags:
    """Operations on tags."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"ListTagsForResource": self.list, "TagResource": self.tag, "UntagResource": self.untag}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListTagsForResource``."""
        return {"tags": self._tagged(call)["tags"]}

    async def tag(self, call: Call) -> Mapping[str, Any]:
        """``TagResource``."""
        tagged = self._tagged(call)
        tagged["tags"] = {**tagged["tags"], **call.params["tags"]}
        return {}

    async def untag(self, call: Call) -> Mapping[str, Any]:
        """``UntagResource``."""
        tagged = self._tagged(call)
        gone = call.params["tagKeys"]
        tagged["tags"] = {key: value for key, value in tagged["tags"].items() if key not in gone}
        return {}

    def _tagged(self, call: Call) -> Document:
        arn = unquote(call.params["resourceArn"])
        for its, document in self._all():
            if its == arn:
                return document
        raise not_found(f"Resource {arn} not found.")

    def _all(self) -> Iterator[tuple[str, Document]]:
        for graphql in self._state.graphql.values():
            yield graphql.arn, graphql.info
        for api in self._state.events.values():
            yield api.arn, api.info
            for namespace in api.namespaces.values():
                yield namespace["channelNamespaceArn"], namespace
        for domain in self._state.domains.values():
            yield domain["domainNameArn"], domain
