"""Tags of APIs, stages, domain names and VPC links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from sandbox.control.message import Response
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import Document, not_found
from sandbox.control.shims.call import Call, Handler


class Tags:
    """Operations on tags. ARNs are like ``arn:aws:apigateway:us-east-1::/apis/abc/stages/live``."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"GetTags": self.get, "TagResource": self.tag, "UntagResource": self.untag}

    def _tagged(self, call: Call) -> Document:
        arn, region = unquote(call.params["ResourceArn"]), call.target.region
        parts = arn.partition("::")[2].strip("/").split("/")
        found: Document | None = None
        if parts[0] == "apis" and len(parts) in (2, 4):
            api = self._state.apis(region).get(parts[1])
            if api is not None:
                found = api.info if len(parts) == 2 else api.stages.get(parts[3])
        elif parts[0] == "domainnames" and len(parts) == 2:
            found = self._state.domains.get((region, parts[1]))
        elif parts[0] == "vpclinks" and len(parts) == 2:
            found = self._state.links.get(region, {}).get(parts[1])
        if found is None:
            raise not_found(f"Invalid resource identifier specified: {arn}")
        return found

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetTags``."""
        return {"Tags": self._tagged(call).get("Tags") or {}}

    async def tag(self, call: Call) -> Mapping[str, Any]:
        """``TagResource``."""
        tagged = self._tagged(call)
        tagged["Tags"] = {**(tagged.get("Tags") or {}), **call.params.get("Tags", {})}
        return {}

    async def untag(self, call: Call) -> Response:
        """``UntagResource``."""
        tagged = self._tagged(call)
        kept = tagged.get("Tags") or {}
        tagged["Tags"] = {key: value for key, value in kept.items() if key not in call.params["TagKeys"]}
        return Response(204)
