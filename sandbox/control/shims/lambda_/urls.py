"""Function URLs: one for the function, one for each alias."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.control.message import Response
from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.lambda_.state import State, checked
from sandbox.control.shims.lambda_.store import Function, Region, UrlConfig, conflict, missing


class Urls:
    """Operations on Function URLs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateFunctionUrlConfig": self.create,
            "GetFunctionUrlConfig": self.get,
            "UpdateFunctionUrlConfig": self.update,
            "DeleteFunctionUrlConfig": self.delete,
            "ListFunctionUrlConfigs": self.list,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateFunctionUrlConfig``."""
        region, name = checked(self._state, call)
        function, params = region.function(name), call.params
        if name.qualifier is not None and name.qualifier not in function.aliases:
            raise missing()
        key = name.qualifier or ""
        if key in function.urls:
            arn = region.arns.function(function.name, name.qualifier)
            raise conflict(
                f"Failed to create function url config for [functionArn = {arn}]. Error message:  "
                "FunctionUrlConfig exists for this Lambda function"
            )
        now = self._state.now()
        config = UrlConfig(
            url_id=self._state.sandbox.ids.text(32, "abcdefghijklmnopqrstuvwxyz234567"),
            qualifier=name.qualifier,
            auth_type=params["AuthType"],
            invoke_mode=params.get("InvokeMode", "BUFFERED"),
            cors=params.get("Cors"),
            created=now,
            modified=now,
        )
        function.urls[key] = config
        shown = self._shown(region, function, config)
        del shown["LastModifiedTime"]
        return shown

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetFunctionUrlConfig``."""
        region, function, config = self._find(call)
        return self._shown(region, function, config)

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateFunctionUrlConfig``: members that are not given stay."""
        region, function, config = self._find(call)
        config.auth_type = call.params.get("AuthType", config.auth_type)
        config.invoke_mode = call.params.get("InvokeMode", config.invoke_mode)
        if "Cors" in call.params:
            config.cors = call.params["Cors"] or None
        config.modified = self._state.now()
        return self._shown(region, function, config)

    async def delete(self, call: Call) -> Response:
        """``DeleteFunctionUrlConfig``."""
        _, function, config = self._find(call)
        del function.urls[config.qualifier or ""]
        return Response(204)

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListFunctionUrlConfigs``: the function's and its aliases'."""
        region, name = checked(self._state, call)
        function = region.function(name)
        shown = [self._shown(region, function, config) for config in function.urls.values()]
        configs, marker = page(shown, call.params.get("MaxItems"), call.params.get("Marker"), 50)
        return {"FunctionUrlConfigs": configs, "NextMarker": marker}

    def _find(self, call: Call) -> tuple[Region, Function, UrlConfig]:
        region, name = checked(self._state, call)
        function = region.functions.get(name.name)
        config = function.urls.get(name.qualifier or "") if function else None
        if function is None or config is None:
            raise missing()
        return region, function, config

    def _shown(self, region: Region, function: Function, config: UrlConfig) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "FunctionUrl": self._address(region, config),
            "FunctionArn": region.arns.function(function.name, config.qualifier),
            "AuthType": config.auth_type,
            "CreationTime": _iso(config.created),
            "LastModifiedTime": _iso(config.modified),
            "InvokeMode": config.invoke_mode,
        }
        if config.cors:
            shown["Cors"] = config.cors
        return shown

    def _address(self, region: Region, config: UrlConfig) -> str:
        """One that works from this machine. AWS's is ``https://<id>.lambda-url.<region>.on.aws/``."""
        port = self._state.sandbox.settings.port
        return f"http://{config.url_id}.lambda-url.{region.arns.region}.localhost:{port}/"


def _iso(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
