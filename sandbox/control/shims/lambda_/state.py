"""Lambda's state over all Regions, and what every operation needs besides it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.context import Sandbox
from sandbox.control.shims.call import Call
from sandbox.control.shims.lambda_.names import Arns, FunctionName
from sandbox.control.shims.lambda_.store import Function, Region, UrlConfig
from sandbox.control.shims.quotas import Quotas
from sandbox.control.validation import validate

if TYPE_CHECKING:
    from sandbox.control.shims.lambda_.event_sources import Mappings


class State:
    """Every Region's functions and layers. Only touched on the loop."""

    def __init__(self, sandbox: Sandbox, quotas: Quotas) -> None:
        self.sandbox = sandbox
        self._quotas = quotas
        self._regions: dict[str, Region] = {}
        self.mappings: Mappings  # given to it, since they read SQS's state

    def reset(self) -> None:
        """Forget everything."""
        self._regions.clear()
        self.mappings.reset()

    @property
    def account_concurrency(self) -> int:
        """Concurrent executions that the account may have."""
        return self._quotas.concurrency()

    def region(self, name: str | None = None) -> Region:
        """A Region by its name; default the sandbox's."""
        name = name or self.sandbox.settings.region
        if name not in self._regions:
            self._regions[name] = Region(Arns(name, self.sandbox.settings.account))
        return self._regions[name]

    def regions(self) -> Iterable[Region]:
        """The Regions in which something was asked for."""
        return self._regions.values()

    def now(self) -> datetime:
        """The sandbox's date."""
        return self.sandbox.clock.utcnow()

    def revision(self) -> str:
        """A new revision id."""
        return self.sandbox.ids.uuid()

    def reserved_total(self, region: Region, without: str = "") -> int:
        """Reserved concurrency of all functions but one."""
        return sum(f.reserved or 0 for f in region.functions.values() if f.name != without)

    def url(self, url_id: str) -> tuple[Region, Function, UrlConfig] | None:
        """Who has a Function URL of this id."""
        for region in self._regions.values():
            for function in region.functions.values():
                for config in function.urls.values():
                    if config.url_id == url_id:
                        return region, function, config
        return None


def checked(state: State, call: Call) -> tuple[Region, FunctionName]:
    """The Region and the function's name of a call, after its parameters were judged by the model's bounds."""
    validate(call.operation.model, call.params)
    name = FunctionName.parse(call.params["FunctionName"], call.params.get("Qualifier"))
    return state.region(name.region or call.target.region), name
