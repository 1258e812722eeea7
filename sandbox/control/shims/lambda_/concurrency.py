"""Reserved and provisioned concurrency, and the account's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.message import Response
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.lambda_.state import State, checked
from sandbox.control.shims.lambda_.store import invalid


class Concurrency:
    """Operations on concurrency."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "PutFunctionConcurrency": self.put,
            "GetFunctionConcurrency": self.get,
            "DeleteFunctionConcurrency": self.delete,
            "GetAccountSettings": self.account,
            "PutProvisionedConcurrencyConfig": self.provisioned,
            "GetProvisionedConcurrencyConfig": self.provisioned,
            "ListProvisionedConcurrencyConfigs": self.provisioned,
            "DeleteProvisionedConcurrencyConfig": self.provisioned,
        }

    async def put(self, call: Call) -> Mapping[str, Any]:
        """``PutFunctionConcurrency``: at least 100 of the account's concurrency stay unreserved."""
        region, name = checked(self._state, call)
        function = region.function(name)
        wanted = call.params["ReservedConcurrentExecutions"]
        least = int(self._state.sandbox.limits.value("lambda.concurrency.unreserved_min"))
        others = self._state.reserved_total(region, without=function.name)
        if wanted and self._state.account_concurrency - others - wanted < least:
            message = self._state.sandbox.limits.value("lambda.error.unreserved_min.message")
            raise invalid(message.format(minimum=least))
        function.reserved = wanted
        return {"ReservedConcurrentExecutions": wanted}

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetFunctionConcurrency``: empty when nothing is reserved."""
        region, name = checked(self._state, call)
        reserved = region.function(name).reserved
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    async def delete(self, call: Call) -> Response:
        """``DeleteFunctionConcurrency``."""
        region, name = checked(self._state, call)
        region.function(name).reserved = None
        return Response(204)

    async def account(self, call: Call) -> Mapping[str, Any]:
        """``GetAccountSettings``."""
        region = self._state.region(call.target.region)
        functions = region.functions.values()
        versions = [v for f in functions for v in (f.latest, *f.versions.values())]
        layers = [v for layer in region.layers.values() for v in layer.versions.values()]
        used = sum(len(v.package.zip) for v in versions) + sum(len(v.package.zip) for v in layers)
        limit, limits = self._state.account_concurrency, self._state.sandbox.limits
        return {
            "AccountLimit": {
                "TotalCodeSize": limits.value("lambda.code_storage"),
                "CodeSizeUnzipped": limits.value("lambda.package.unzipped"),
                "CodeSizeZipped": limits.value("lambda.package.zipped"),
                "ConcurrentExecutions": limit,
                "UnreservedConcurrentExecutions": limit - self._state.reserved_total(region),
            },
            "AccountUsage": {"TotalCodeSize": used, "FunctionCount": len(functions)},
        }

    async def provisioned(self, call: Call) -> Mapping[str, Any]:
        """Provisioned concurrency is not there yet."""
        raise NotEmulatedError(f"Lambda provisioned concurrency ({call.operation.name})")
