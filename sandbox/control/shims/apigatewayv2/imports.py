"""``ImportApi`` and ``ReimportApi``: an HTTP API of an OpenAPI 3 document."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.apigatewayv2 import apis
from sandbox.control.shims.apigatewayv2.openapi import Importer
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import bad_request
from sandbox.control.shims.call import Call, Handler


class Imports:
    """Operations on whole documents."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"ImportApi": self.create, "ReimportApi": self.replace}

    def _importer(self, call: Call) -> Importer:
        importer = Importer(self._state, call.params["Body"], call.params.get("Basepath") or "ignore")
        if importer.warnings and call.params.get("FailOnWarnings"):
            raise bad_request("Warnings found during import:\n\t" + "\n\t".join(importer.warnings))
        return importer

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``ImportApi``."""
        importer = self._importer(call)
        info = {**importer.info, "ProtocolType": "HTTP"}
        api = apis.new(self._state, call.target.region, info)
        try:
            importer.into(api)
        except Exception:
            del self._state.apis(call.target.region)[api.id]
            raise
        return {**api.info, "Warnings": importer.warnings}

    async def replace(self, call: Call) -> Mapping[str, Any]:
        """``ReimportApi``: everything in the API is replaced; nothing changes when the document is refused."""
        api = self._state.api(call)
        if not api.http:
            raise bad_request("Only HTTP APIs can be imported")
        importer = self._importer(call)
        changed = copy.deepcopy(api)
        changed.info.pop("CorsConfiguration", None)
        changed.info.update(importer.info)
        importer.into(changed)
        self._state.apis(call.target.region)[api.id] = changed
        self._state.changed(changed)
        return {**changed.info, "Warnings": importer.warnings}
