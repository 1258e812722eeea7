"""Functions: create, read, update, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.message import Response
from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.lambda_ import config, versions
from sandbox.control.shims.lambda_.downloads import Downloads
from sandbox.control.shims.lambda_.names import LATEST, FunctionName, is_version
from sandbox.control.shims.lambda_.package import fetch
from sandbox.control.shims.lambda_.state import State, checked
from sandbox.control.shims.lambda_.store import (
    Function,
    Region,
    Version,
    conflict,
    invalid,
    require_revision,
)
from sandbox.control.validation import validate

CREATING = {
    "State": "Pending",
    "StateReason": "The function is being created.",
    "StateReasonCode": "Creating",
}
UPDATING = {
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}


class Functions:
    """Operations on functions. A new function is ready at once, so waiters pass at their first look."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._downloads = Downloads(state)

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateFunction": self.create,
            "GetFunction": self.get,
            "GetFunctionConfiguration": self.get_configuration,
            "ListFunctions": self.list,
            "UpdateFunctionCode": self.update_code,
            "UpdateFunctionConfiguration": self.update_configuration,
            "DeleteFunction": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateFunction``."""
        params, limits = call.params, self._state.sandbox.limits
        config.check(call.operation.model, params, limits)
        if params.get("PackageType", "Zip") == "Image":
            raise NotEmulatedError("Lambda functions from container images (PackageType Image)")
        name = FunctionName.parse(params["FunctionName"])
        region = self._state.region(call.target.region)
        if name.name in region.functions:
            raise conflict(f"Function already exist: {name.name}")
        for member in ("Runtime", "Handler"):
            if member not in params:
                raise invalid(
                    f"{member} is a mandatory parameter for functions created with deployment packages."
                )
        package = await fetch(self._state.sandbox, params["Code"], "CreateFunction")
        settings = config.defaults(name.name, limits)
        config.apply(settings, params)
        settings["Layers"] = config.layers(region, params.get("Layers", []), package.unzipped, limits)
        if name.name in region.functions:  # another create was quicker while the package was read
            raise conflict(f"Function already exist: {name.name}")
        latest = Version(LATEST, settings, package, self._state.revision(), self._state.now(), {})
        function = Function(name.name, latest, tags=dict(params.get("Tags", {})))
        region.functions[name.name] = function
        shown = latest
        if params.get("Publish"):
            shown = versions.publish(self._state, function, None)
        answer = {**config.show(region, function, shown), **CREATING}
        for version in (latest, shown):
            version.update = {"LastUpdateStatus": "Successful"}
        return answer

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetFunction``."""
        region, name = checked(self._state, call)
        function, version = region.function(name), region.version(name)
        location = self._downloads.location(region.arns.region, "tasks", function.name, version.package)
        answer: dict[str, Any] = {
            "Configuration": config.show(region, function, version, name.qualifier),
            "Code": {"RepositoryType": "S3", "Location": location},
        }
        if function.tags:
            answer["Tags"] = function.tags
        if function.reserved is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved}
        return answer

    async def get_configuration(self, call: Call) -> Mapping[str, Any]:
        """``GetFunctionConfiguration``."""
        region, name = checked(self._state, call)
        return config.show(region, region.function(name), region.version(name), name.qualifier)

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListFunctions``; with ``FunctionVersion=ALL`` every version."""
        validate(call.operation.model, call.params)
        region = self._state.region(call.target.region)
        shown = []
        for function in sorted(region.functions.values(), key=lambda f: f.name):
            everything = call.params.get("FunctionVersion") == "ALL"
            for version in [function.latest, *(function.versions.values() if everything else ())]:
                shown.append(
                    _listed(
                        config.show(
                            region,
                            function,
                            version,
                            LATEST if everything and version is function.latest else None,
                        )
                    )
                )
        functions, marker = page(shown, call.params.get("MaxItems"), call.params.get("Marker"), 50)
        return {"Functions": functions, "NextMarker": marker}

    async def update_code(self, call: Call) -> Mapping[str, Any]:
        """``UpdateFunctionCode``."""
        region, name = checked(self._state, call)
        function = region.function(name)
        require_revision(call.params.get("RevisionId"), function.latest.revision)
        package = await fetch(self._state.sandbox, call.params, "UpdateFunctionCode")
        layer_arns = [region.arns.layer(v.name, v.version) for v in function.latest.config["Layers"]]
        config.layers(region, layer_arns, package.unzipped, self._state.sandbox.limits)
        settings = dict(function.latest.config)
        config.apply(settings, {k: v for k, v in call.params.items() if k == "Architectures"})
        changed = Version(LATEST, settings, package, self._state.revision(), self._state.now())
        if call.params.get("DryRun"):
            return config.show(region, function, changed)
        return self._changed(region, function, changed, bool(call.params.get("Publish")))

    async def update_configuration(self, call: Call) -> Mapping[str, Any]:
        """``UpdateFunctionConfiguration``."""
        params = call.params
        config.check(call.operation.model, params, self._state.sandbox.limits)
        name = FunctionName.parse(params["FunctionName"])
        region = self._state.region(name.region or call.target.region)
        function = region.function(name)
        require_revision(params.get("RevisionId"), function.latest.revision)
        settings = dict(function.latest.config)
        config.apply(settings, params)
        if "Layers" in params:
            unzipped = function.latest.package.unzipped
            settings["Layers"] = config.layers(region, params["Layers"], unzipped, self._state.sandbox.limits)
        changed = Version(
            LATEST, settings, function.latest.package, self._state.revision(), self._state.now()
        )
        return self._changed(region, function, changed, publish=False)

    def _changed(
        self, region: Region, function: Function, changed: Version, publish: bool
    ) -> Mapping[str, Any]:
        function.latest = changed
        shown = versions.publish(self._state, function, None) if publish else changed
        return {**config.show(region, function, shown), **UPDATING}

    async def delete(self, call: Call) -> Response:
        """``DeleteFunction``: the function, or with a qualifier one version."""
        region, name = checked(self._state, call)
        function = region.function(name)
        if name.qualifier is None:
            del region.functions[function.name]
        elif name.qualifier == LATEST:
            raise invalid("$LATEST version cannot be deleted without deleting the function.")
        elif not is_version(name.qualifier):
            raise invalid("Deletion of aliases is not currently supported.")
        else:
            self._delete_version(function, name.qualifier)
        return Response(204)

    def _delete_version(self, function: Function, number: str) -> None:
        users = [a for a in function.aliases.values() if number == a.version or number in a.weights]
        if users:
            arns = ", ".join(a.name for a in users)
            raise conflict(f"Version {number} of function {function.name} is used by alias {arns}.")
        function.versions.pop(number, None)


def _listed(shown: dict[str, Any]) -> dict[str, Any]:
    """Lists leave out the state."""
    hidden = ("State", "StateReason", "StateReasonCode", "LastUpdateStatus")
    return {key: value for key, value in shown.items() if key not in hidden}
