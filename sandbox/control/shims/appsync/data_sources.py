"""Data sources of GraphQL APIs and Event APIs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.control.shims.appsync.state import State
from sandbox.control.shims.appsync.store import (
    Document,
    EventRecord,
    GraphqlRecord,
    Owner,
    bad_request,
    find,
    given,
)
from sandbox.control.shims.call import Call, Handler

CONFIGS = {
    "AWS_LAMBDA": "lambdaConfig",
    "AMAZON_DYNAMODB": "dynamodbConfig",
    "AMAZON_ELASTICSEARCH": "elasticsearchConfig",
    "AMAZON_OPENSEARCH_SERVICE": "openSearchServiceConfig",
    "HTTP": "httpConfig",
    "RELATIONAL_DATABASE": "relationalDatabaseConfig",
    "AMAZON_EVENTBRIDGE": "eventBridgeConfig",
}
KEPT = ("name", "description", "type", "serviceRoleArn", "metricsConfig", *CONFIGS.values())


class DataSources:
    """Operations on data sources."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateDataSource": self.create,
            "GetDataSource": self.get,
            "ListDataSources": self.list,
            "UpdateDataSource": self.update,
            "DeleteDataSource": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateDataSource``."""
        api, name = self._state.owner(call), call.params["name"]
        if name in api.data_sources:
            raise bad_request(f"Data source with name {name} already exists")
        return {"dataSource": self._put(api, call)}

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetDataSource``."""
        return {"dataSource": source(self._state.owner(call), call.params["name"])}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListDataSources``."""
        found = list(self._state.owner(call).data_sources.values())
        return self._state.listed(call, found, "dataSources")

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateDataSource``: what the request leaves out is taken away."""
        api = self._state.owner(call)
        source(api, call.params["name"])
        return {"dataSource": self._put(api, call)}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteDataSource``: not while something uses it."""
        api, name = self._state.owner(call), call.params["name"]
        source(api, name)
        user = next(_users(api, name), None)
        if user is not None:
            raise bad_request(f"Cannot delete data source: {name} is used by {user}.")
        del api.data_sources[name]
        api.epoch += 1
        return {}

    def _put(self, api: Owner, call: Call) -> Document:
        params = call.params
        needed = CONFIGS.get(params["type"])
        if needed and not params.get(needed):
            raise bad_request(f"{needed} is required for a data source of type {params['type']}.")
        made = {
            **given(params, KEPT),
            "dataSourceArn": self._state.arn(api.region, f"apis/{api.id}/datasources/{params['name']}"),
        }
        api.data_sources[params["name"]] = made
        api.epoch += 1
        return made


def source(api: Owner, name: str) -> Document:
    """A data source by its name."""
    return find(api.data_sources, name, f"No data source found named {name}")


def _users(api: Owner, name: str) -> Iterator[str]:
    if isinstance(api, GraphqlRecord):
        for (type_name, field), resolver in api.resolvers.items():
            if resolver.get("dataSourceName") == name:
                yield f"the resolver of {type_name}.{field}"
        for function in api.functions.values():
            if function["dataSourceName"] == name:
                yield f"the function {function['name']}"
    elif isinstance(api, EventRecord):
        for namespace in api.namespaces.values():
            for config in (namespace.get("handlerConfigs") or {}).values():
                if config["integration"]["dataSourceName"] == name:
                    yield f"the channel namespace {namespace['name']}"
