"""All REST APIs, by Region."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sandbox.context import Sandbox
from sandbox.control.shims.apigateway.store import Api, not_found
from sandbox.control.shims.apigateway.usage import Keys
from sandbox.control.shims.call import Call
from sandbox.control.shims.quotas import Quotas


class State:
    """Every Region's REST APIs. Only touched on the loop."""

    def __init__(self, sandbox: Sandbox, quotas: Quotas) -> None:
        self.sandbox = sandbox
        self.quotas = quotas
        self._regions: dict[str, dict[str, Api]] = {}
        self._keys: dict[str, Keys] = {}
        self.websocket_stage: Callable[[str, str, str], bool] = lambda region, api_id, stage: False

    def reset(self) -> None:
        """Forget everything."""
        self._regions.clear()
        self._keys.clear()

    def apis(self, region: str) -> dict[str, Api]:
        """A Region's APIs by id."""
        return self._regions.setdefault(region, {})

    def has_stage(self, region: str, api_id: str, stage: str) -> bool:
        """Whether a usage plan may have the stage: of a REST or a WebSocket API."""
        api = self.apis(region).get(api_id)
        return self.websocket_stage(region, api_id, stage) if api is None else stage in api.stages

    def keys(self, region: str) -> Keys:
        """A Region's API keys and usage plans."""
        return self._keys.setdefault(region, Keys())

    def all_keys(self) -> list[Keys]:
        """Every Region's."""
        return list(self._keys.values())

    def api(self, call: Call) -> Api:
        """The API that a call's ``restApiId`` names."""
        found = self.apis(call.target.region).get(call.params["restApiId"])
        if found is None:
            raise self.unknown_api(call.params["restApiId"])
        return found

    def unknown_api(self, api_id: str) -> Exception:
        """AWS's words for an API that does not exist."""
        return not_found(f"Invalid API identifier specified {self.sandbox.settings.account}:{api_id}")

    def anywhere(self, api_id: str) -> Api | None:
        """An API by its id, in whichever Region."""
        return next((apis[api_id] for apis in self._regions.values() if api_id in apis), None)

    def now(self) -> datetime:
        """The sandbox's date, whole seconds as API Gateway shows them."""
        return self.sandbox.clock.utcnow().replace(microsecond=0)

    def new_id(self, length: int = 6) -> str:
        """An identifier."""
        return self.sandbox.ids.text(length)
