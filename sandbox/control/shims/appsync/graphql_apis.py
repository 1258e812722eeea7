"""GraphQL APIs themselves, their environment variables and caches.

Texts of errors without a source named beside them are UNSOURCED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.shims.appsync.state import State
from sandbox.control.shims.appsync.store import Document, GraphqlRecord, bad_request, given, not_found
from sandbox.control.shims.call import Call, Handler

KEPT = (
    *("name", "logConfig", "authenticationType", "userPoolConfig", "openIDConnectConfig"),
    *("additionalAuthenticationProviders", "xrayEnabled", "lambdaAuthorizerConfig"),
    *("mergedApiExecutionRoleArn", "ownerContact", "introspectionConfig", "queryDepthLimit"),
    *("resolverCountLimit", "enhancedMetricsConfig"),
)
NEEDS = {
    "AMAZON_COGNITO_USER_POOLS": "userPoolConfig",
    "OPENID_CONNECT": "openIDConnectConfig",
    "AWS_LAMBDA": "lambdaAuthorizerConfig",
}
VARIABLES = 50  # AppSync developer guide, environment variables: at most 50 a GraphQL API


class GraphqlApis:
    """Operations on GraphQL APIs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateGraphqlApi": self.create,
            "GetGraphqlApi": self.get,
            "ListGraphqlApis": self.list,
            "UpdateGraphqlApi": self.update,
            "DeleteGraphqlApi": self.delete,
            "PutGraphqlApiEnvironmentVariables": self.put_environment,
            "GetGraphqlApiEnvironmentVariables": self.get_environment,
            "CreateApiCache": self.create_cache,
            "GetApiCache": self.get_cache,
            "UpdateApiCache": self.update_cache,
            "DeleteApiCache": self.delete_cache,
            "FlushApiCache": self.flush_cache,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateGraphqlApi``."""
        params, region, state = call.params, call.target.region, self._state
        if params.get("apiType") == "MERGED":
            raise NotEmulatedError("merged GraphQL APIs of AppSync")
        _check_auth(params)
        api_id, endpoint = state.new_id(), state.new_id()
        host = state.host(endpoint, region)
        realtime = state.host(endpoint, region, "appsync-realtime-api")
        info: Document = {
            "xrayEnabled": False,
            "visibility": params.get("visibility", "GLOBAL"),
            "apiType": "GRAPHQL",
            "introspectionConfig": "ENABLED",
            "queryDepthLimit": 0,
            "resolverCountLimit": 0,
            **given(params, KEPT),
            "tags": params.get("tags") or {},
            "apiId": api_id,
            "arn": state.arn(region, f"apis/{api_id}"),
            "owner": state.sandbox.settings.account,
            # AWS: https:// and wss:// at amazonaws.com. These can be reached here.
            "uris": {"GRAPHQL": f"http://{host}/graphql", "REALTIME": f"ws://{realtime}/graphql"},
            "dns": {"GRAPHQL": host, "REALTIME": realtime},
        }
        state.graphql[region, api_id] = GraphqlRecord(info, region, endpoint)
        return {"graphqlApi": info}

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetGraphqlApi``."""
        return {"graphqlApi": self._state.graphql_api(call).info}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListGraphqlApis``."""
        wanted = call.params.get("apiType", "GRAPHQL")
        found = [
            api.info
            for (region, _), api in self._state.graphql.items()
            if region == call.target.region and api.info["apiType"] == wanted
        ]
        return self._state.listed(call, found, "graphqlApis")

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateGraphqlApi``: what the request leaves out of authentication and logging is taken away."""
        api, params = self._state.graphql_api(call), call.params
        _check_auth(params)
        stays = ("introspectionConfig", "queryDepthLimit", "resolverCountLimit", "xrayEnabled")
        kept = {name: value for name, value in api.info.items() if name not in KEPT or name in stays}
        api.info = {**kept, **given(params, KEPT)}
        api.epoch += 1
        return {"graphqlApi": api.info}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteGraphqlApi``."""
        api = self._state.graphql_api(call)
        del self._state.graphql[call.target.region, api.id]
        return {}

    async def put_environment(self, call: Call) -> Mapping[str, Any]:
        """``PutGraphqlApiEnvironmentVariables``: they replace those that were there."""
        api, variables = self._state.graphql_api(call), call.params["environmentVariables"]
        if len(variables) > VARIABLES:
            raise bad_request(f"An API can have at most {VARIABLES} environment variables.")
        api.environment = dict(variables)
        api.epoch += 1
        return {"environmentVariables": api.environment}

    async def get_environment(self, call: Call) -> Mapping[str, Any]:
        """``GetGraphqlApiEnvironmentVariables``."""
        return {"environmentVariables": self._state.graphql_api(call).environment}

    async def create_cache(self, call: Call) -> Mapping[str, Any]:
        """``CreateApiCache``: a record only; nothing is cached."""
        api = self._state.graphql_api(call)
        if api.cache is not None:
            raise bad_request("The API has already enabled caching.")
        members = ("ttl", "apiCachingBehavior", "type", "healthMetricsConfig")
        encrypted = {
            name: call.params.get(name, False)
            for name in ("transitEncryptionEnabled", "atRestEncryptionEnabled")
        }
        api.cache = {**given(call.params, members), **encrypted, "status": "AVAILABLE"}
        return {"apiCache": api.cache}

    async def get_cache(self, call: Call) -> Mapping[str, Any]:
        """``GetApiCache``."""
        return {"apiCache": self._cache(call)}

    async def update_cache(self, call: Call) -> Mapping[str, Any]:
        """``UpdateApiCache``."""
        cache = self._cache(call)
        cache.update(given(call.params, ("ttl", "apiCachingBehavior", "type", "healthMetricsConfig")))
        return {"apiCache": cache}

    async def delete_cache(self, call: Call) -> Mapping[str, Any]:
        """``DeleteApiCache``."""
        self._cache(call)
        self._state.graphql_api(call).cache = None
        return {}

    async def flush_cache(self, call: Call) -> Mapping[str, Any]:
        """``FlushApiCache``."""
        self._cache(call)
        return {}

    def _cache(self, call: Call) -> Document:
        cache = self._state.graphql_api(call).cache
        if cache is None:
            raise not_found("Unable to find API cache.")
        return cache


def _check_auth(params: Mapping[str, Any]) -> None:
    """Each mode has the config that it needs, and no mode that can be there once is there twice."""
    others = params.get("additionalAuthenticationProviders") or []
    for provider in (params, *others):
        mode = provider.get("authenticationType")
        needed = NEEDS.get(str(mode))
        if needed and not provider.get(needed):
            raise bad_request(f"{needed} is required for authentication type {mode}.")
    modes = [params["authenticationType"], *(other.get("authenticationType") for other in others)]
    for once in ("API_KEY", "AWS_IAM", "AWS_LAMBDA"):
        if modes.count(once) > 1:
            raise bad_request(f"{once} can be specified only once as an authentication type.")
