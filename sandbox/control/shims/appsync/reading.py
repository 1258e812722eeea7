"""The typed reading of AppSync's APIs, made anew when an API has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from sandbox.control.appsync import (
    AppSyncKey,
    AuthProvider,
    AuthType,
    ChannelNamespace,
    DataSource,
    EventApi,
    GraphqlApi,
    Mapped,
    PipelineFunction,
    Resolver,
)
from sandbox.control.shims.appsync.state import State
from sandbox.control.shims.appsync.store import Document, EventRecord, GraphqlRecord, Owner


class AppSyncRead:
    """Implements ``sandbox.control.appsync.AppSyncReading``."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._read: dict[str, tuple[Owner, int, GraphqlApi | EventApi]] = {}

    async def graphql_api(self, endpoint: str) -> GraphqlApi | None:
        """A GraphQL API by the first label of its host."""
        found = self._state.anywhere(endpoint)
        return cast(GraphqlApi, self._kept(found)) if isinstance(found, GraphqlRecord) else None

    async def event_api(self, endpoint: str) -> EventApi | None:
        """An Event API by the first label of its host."""
        found = self._state.anywhere(endpoint)
        return cast(EventApi, self._kept(found)) if isinstance(found, EventRecord) else None

    async def domain(self, name: str) -> str | None:
        """The first label of the host of the API that a custom domain leads to."""
        found = self._state.by_id(self._state.associations.get(name, ""))
        return found.endpoint if found else None

    def _kept(self, api: Owner) -> GraphqlApi | EventApi:
        kept = self._read.get(api.id)
        if kept is None or kept[0] is not api or kept[1] != api.epoch:
            account = self._state.sandbox.settings.account
            made = _graphql(api, account) if isinstance(api, GraphqlRecord) else _events(api, account)
            kept = self._read[api.id] = (api, api.epoch, made)
        return kept[2]


def _graphql(api: GraphqlRecord, account: str) -> GraphqlApi:
    info = api.info
    providers = (info, *(info.get("additionalAuthenticationProviders") or ()))
    return GraphqlApi(
        id=api.id,
        name=info["name"],
        arn=api.arn,
        region=api.region,
        account=account,
        schema=api.schema,
        auth=tuple(
            AuthProvider(
                cast(AuthType, provider["authenticationType"]),
                provider.get("userPoolConfig"),
                provider.get("openIDConnectConfig"),
                provider.get("lambdaAuthorizerConfig"),
            )
            for provider in providers
        ),
        keys=_keys(api),
        data_sources=_sources(api),
        functions={
            function_id: PipelineFunction(function_id, document["name"], _mapped(document))
            for function_id, document in api.functions.items()
        },
        resolvers={key: _resolver(document) for key, document in api.resolvers.items()},
        environment=api.environment,
        query_depth_limit=info["queryDepthLimit"],
        resolver_count_limit=info["resolverCountLimit"],
        introspection=cast(Literal["ENABLED", "DISABLED"], info["introspectionConfig"]),
        log_config=info.get("logConfig"),
        epoch=api.epoch,
    )


def _resolver(document: Document) -> Resolver:
    return Resolver(
        type_name=document["typeName"],
        field_name=document["fieldName"],
        arn=document["resolverArn"],
        kind=cast(Literal["UNIT", "PIPELINE"], document["kind"]),
        mapped=_mapped(document),
        functions=tuple((document.get("pipelineConfig") or {}).get("functions") or ()),
    )


def _mapped(document: Document) -> Mapped:
    return Mapped(
        code=document.get("code"),
        runtime=(document.get("runtime") or {}).get("name"),
        request_template=document.get("requestMappingTemplate"),
        response_template=document.get("responseMappingTemplate"),
        data_source=document.get("dataSourceName"),
        max_batch_size=document.get("maxBatchSize", 0),
        sync=document.get("syncConfig"),
    )


def _events(api: Owner, account: str) -> EventApi:
    assert isinstance(api, EventRecord)
    config = api.info["eventConfig"]
    return EventApi(
        id=api.id,
        name=api.info["name"],
        arn=api.arn,
        region=api.region,
        account=account,
        providers=tuple(
            AuthProvider(
                cast(AuthType, provider["authType"]),
                provider.get("cognitoConfig"),
                provider.get("openIDConnectConfig"),
                provider.get("lambdaAuthorizerConfig"),
            )
            for provider in config["authProviders"]
        ),
        connection_auth=_modes(config["connectionAuthModes"]),
        publish_auth=_modes(config["defaultPublishAuthModes"]),
        subscribe_auth=_modes(config["defaultSubscribeAuthModes"]),
        keys=_keys(api),
        namespaces={name: _namespace(document) for name, document in api.namespaces.items()},
        data_sources=_sources(api),
        epoch=api.epoch,
    )


def _namespace(document: Document) -> ChannelNamespace:
    subscribe, publish = document.get("subscribeAuthModes"), document.get("publishAuthModes")
    return ChannelNamespace(
        name=document["name"],
        arn=document["channelNamespaceArn"],
        subscribe_auth=_modes(subscribe) if subscribe else None,
        publish_auth=_modes(publish) if publish else None,
        code=document.get("codeHandlers"),
        handlers=document.get("handlerConfigs") or {},
    )


def _modes(modes: list[Mapping[str, Any]]) -> tuple[AuthType, ...]:
    return tuple(cast(AuthType, mode["authType"]) for mode in modes)


def _keys(api: Owner) -> dict[str, AppSyncKey]:
    return {key: AppSyncKey(key, float(document["expires"])) for key, document in api.keys.items()}


def _sources(api: Owner) -> dict[str, DataSource]:
    return {
        name: DataSource(name, document["type"], document.get("serviceRoleArn"), dict(document))
        for name, document in api.data_sources.items()
    }
