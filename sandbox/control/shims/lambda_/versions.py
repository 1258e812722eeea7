"""Published versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.lambda_ import config
from sandbox.control.shims.lambda_.names import LATEST
from sandbox.control.shims.lambda_.state import State, checked
from sandbox.control.shims.lambda_.store import Function, Version, invalid, require_revision


def publish(state: State, function: Function, description: str | None) -> Version:
    """A new version of ``$LATEST``; the last one again when nothing was changed since it was published."""
    latest = function.latest
    if function.published_revision == latest.revision:
        newest = function.versions.get(str(function.published))
        if newest is not None:
            return newest
    function.published += 1
    function.published_revision = latest.revision
    settings = dict(latest.config)
    if description is not None:
        settings["Description"] = description
    made = replace(latest, version=str(function.published), config=settings, revision=state.revision())
    function.versions[made.version] = made
    return made


class Versions:
    """Operations on versions."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"PublishVersion": self.publish, "ListVersionsByFunction": self.list}

    async def publish(self, call: Call) -> Mapping[str, Any]:
        """``PublishVersion``."""
        region, name = checked(self._state, call)
        function = region.function(name)
        require_revision(call.params.get("RevisionId"), function.latest.revision)
        wanted, actual = call.params.get("CodeSha256"), function.latest.package.sha256
        if wanted and wanted != actual:
            raise invalid(
                f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({actual}). "
                "Please try again with the CodeSHA256 in $LATEST."
            )
        version = publish(self._state, function, call.params.get("Description"))
        return config.show(region, function, version)

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListVersionsByFunction``: ``$LATEST`` first."""
        region, name = checked(self._state, call)
        function = region.function(name)
        shown = [config.show(region, function, function.latest, LATEST)]
        shown += [config.show(region, function, version) for version in function.versions.values()]
        versions, marker = page(shown, call.params.get("MaxItems"), call.params.get("Marker"), 50)
        return {"Versions": versions, "NextMarker": marker}
