"""Layers and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.lambda_ import config, permissions
from sandbox.control.shims.lambda_.downloads import Downloads
from sandbox.control.shims.lambda_.package import fetch
from sandbox.control.shims.lambda_.state import State
from sandbox.control.shims.lambda_.store import Layer, LayerVersion, Policy, Region, missing
from sandbox.control.validation import validate

NO_LAYER = "The resource you requested does not exist."


class Layers:
    """Operations on layers."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._downloads = Downloads(state)

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "PublishLayerVersion": self.publish,
            "GetLayerVersion": self.get,
            "GetLayerVersionByArn": self.get_by_arn,
            "DeleteLayerVersion": self.delete,
            "ListLayers": self.list,
            "ListLayerVersions": self.list_versions,
            "AddLayerVersionPermission": self.add_permission,
            "GetLayerVersionPolicy": self.get_policy,
            "RemoveLayerVersionPermission": self.remove_permission,
        }

    async def publish(self, call: Call) -> Mapping[str, Any]:
        """``PublishLayerVersion``."""
        region = self._checked(call)
        name = _layer_name(call.params["LayerName"])
        package = await fetch(self._state.sandbox, call.params["Content"], "PublishLayerVersion")
        layer = region.layers.setdefault(name, Layer(name))
        layer.count += 1
        members = ("Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo")
        attributes = {member: call.params[member] for member in members if member in call.params}
        version = LayerVersion(
            name, layer.count, package, self._state.now(), {"Description": "", **attributes}
        )
        layer.versions[version.version] = version
        return self._shown(region, version, content=True)

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetLayerVersion``."""
        region = self._checked(call)
        return self._shown(region, self._find(region, call), content=True)

    async def get_by_arn(self, call: Call) -> Mapping[str, Any]:
        """``GetLayerVersionByArn``."""
        region = self._checked(call)
        return self._shown(region, config.find_layer(region, call.params["Arn"]), content=True)

    async def delete(self, call: Call) -> Response:
        """``DeleteLayerVersion``: functions that have the layer keep it."""
        region = self._checked(call)
        layer = region.layers.get(_layer_name(call.params["LayerName"]))
        if layer is not None:
            layer.versions.pop(int(call.params["VersionNumber"]), None)
        return Response(204)

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListLayers``: each with its newest version that fits."""
        region = self._checked(call)
        shown = []
        for layer in sorted(region.layers.values(), key=lambda item: item.name):
            fitting = [version for version in layer.versions.values() if _fits(version, call.params)]
            if fitting:
                latest = self._shown(region, fitting[-1], content=False)
                arn = region.arns.layer(layer.name)
                shown.append({"LayerName": layer.name, "LayerArn": arn, "LatestMatchingVersion": latest})
        layers, marker = page(shown, call.params.get("MaxItems"), call.params.get("Marker"), 50)
        return {"Layers": layers, "NextMarker": marker}

    async def list_versions(self, call: Call) -> Mapping[str, Any]:
        """``ListLayerVersions``: newest first."""
        region = self._checked(call)
        layer = region.layers.get(_layer_name(call.params["LayerName"]))
        fitting = [v for v in (layer.versions.values() if layer else ()) if _fits(v, call.params)]
        shown = [self._shown(region, version, content=False) for version in reversed(fitting)]
        versions, marker = page(shown, call.params.get("MaxItems"), call.params.get("Marker"), 50)
        return {"LayerVersions": versions, "NextMarker": marker}

    async def add_permission(self, call: Call) -> Mapping[str, Any]:
        """``AddLayerVersionPermission``."""
        region = self._checked(call)
        version = self._find(region, call)
        version.policy = version.policy or Policy({}, self._state.revision())
        arn = region.arns.layer(version.name, version.version)
        statement = permissions.statement(call.params, arn)
        text = permissions.add(
            version.policy, statement, call.params.get("RevisionId"), self._state.revision()
        )
        return {"Statement": text, "RevisionId": version.policy.revision}

    async def get_policy(self, call: Call) -> Mapping[str, Any]:
        """``GetLayerVersionPolicy``."""
        region = self._checked(call)
        return permissions.shown(
            self._find(region, call).policy, "No policy is associated with the given resource."
        )

    async def remove_permission(self, call: Call) -> Response:
        """``RemoveLayerVersionPermission``."""
        region = self._checked(call)
        version = self._find(region, call)
        permissions.remove(
            version.policy, call.params["StatementId"], call.params.get("RevisionId"), self._state.revision()
        )
        return Response(204)

    def _checked(self, call: Call) -> Region:
        validate(call.operation.model, call.params)
        return self._state.region(call.target.region)

    def _find(self, region: Region, call: Call) -> LayerVersion:
        layer = region.layers.get(_layer_name(call.params["LayerName"]))
        version = layer.versions.get(int(call.params["VersionNumber"])) if layer else None
        if version is None:
            raise missing(NO_LAYER)
        return version

    def _shown(self, region: Region, version: LayerVersion, *, content: bool) -> dict[str, Any]:
        shown = {
            "LayerVersionArn": region.arns.layer(version.name, version.version),
            "Version": version.version,
            "CreatedDate": config.timestamp(version.created),
            **version.attributes,
        }
        if content:
            shown["LayerArn"] = region.arns.layer(version.name)
            shown["Content"] = {
                "Location": self._downloads.location(
                    region.arns.region, "layers", f"{version.name}-{version.version}", version.package
                ),
                "CodeSha256": version.package.sha256,
                "CodeSize": len(version.package.zip),
            }
        return shown


def _layer_name(text: str) -> str:
    """From a name or a layer's ARN."""
    return text.split(":")[6] if text.startswith("arn:") else text


def _fits(version: LayerVersion, params: Mapping[str, Any]) -> bool:
    return all(
        wanted not in params or params[wanted] in version.attributes.get(f"{wanted}s", ())
        for wanted in ("CompatibleRuntime", "CompatibleArchitecture")
    )
