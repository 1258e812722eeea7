"""A typed reading of AppSync's GraphQL APIs and Event APIs, for their data planes.

Names and values are those of botocore's ``appsync`` model; mappings are as its ``Get`` operations give them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

AuthType = Literal["API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA"]


@dataclass(frozen=True, slots=True)
class AuthProvider:
    """One way in. The config that belongs to ``type`` is set, the others are ``None``."""

    type: AuthType
    user_pool: Mapping[str, Any] | None = None  # userPoolId, awsRegion, appIdClientRegex, defaultAction
    openid: Mapping[str, Any] | None = None  # issuer, clientId, iatTTL (ms), authTTL (ms)
    authorizer: Mapping[str, Any] | None = (
        None  # authorizerUri, authorizerResultTtlInSeconds, identityValidationExpression
    )


@dataclass(frozen=True, slots=True)
class AppSyncKey:
    """An API key. ``id`` is what the client sends in ``x-api-key`` (``da2-...``)."""

    id: str
    expires: float  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class DataSource:
    """``config``: the whole of ``GetDataSource``'s ``dataSource`` (lambdaConfig, dynamodbConfig, httpConfig ...)."""

    name: str
    type: str  # AWS_LAMBDA, AMAZON_DYNAMODB, HTTP, NONE, ...
    role: str | None
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a resolver and a pipeline function have in common.

    ``code`` with ``runtime`` ``APPSYNC_JS``, or the two VTL templates, or neither (a direct Lambda resolver).
    """

    code: str | None
    runtime: str | None
    request_template: str | None
    response_template: str | None
    data_source: str | None
    max_batch_size: int = 0
    sync: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PipelineFunction:
    """A function of pipelines."""

    id: str
    name: str
    mapped: Mapped


@dataclass(frozen=True, slots=True)
class Resolver:
    """What answers a field."""

    type_name: str
    field_name: str
    arn: str
    kind: Literal["UNIT", "PIPELINE"]
    mapped: Mapped
    functions: tuple[str, ...] = ()  # ids, in order


@dataclass(frozen=True, slots=True)
class GraphqlApi:
    """A GraphQL API as it is now. ``auth[0]`` is the default mode, the others are the additional ones."""

    id: str
    name: str
    arn: str
    region: str
    account: str
    schema: str  # SDL as it was given
    auth: tuple[AuthProvider, ...]
    keys: Mapping[str, AppSyncKey]  # by id
    data_sources: Mapping[str, DataSource]  # by name
    functions: Mapping[str, PipelineFunction]  # by id
    resolvers: Mapping[tuple[str, str], Resolver]  # by (type, field)
    environment: Mapping[str, str] = field(default_factory=dict)
    query_depth_limit: int = 0
    resolver_count_limit: int = 0
    introspection: Literal["ENABLED", "DISABLED"] = "ENABLED"
    log_config: Mapping[str, Any] | None = None
    epoch: int = 0  # rises with each change, so that a parsed schema can be kept


@dataclass(frozen=True, slots=True)
class ChannelNamespace:
    """A namespace of an Event API. ``None`` modes: the API's defaults hold."""

    name: str
    arn: str
    subscribe_auth: tuple[AuthType, ...] | None
    publish_auth: tuple[AuthType, ...] | None
    code: str | None  # handlers: APPSYNC_JS with onPublish and onSubscribe
    handlers: Mapping[str, Any]  # handlerConfigs: onPublish, onSubscribe -> behavior, integration


@dataclass(frozen=True, slots=True)
class EventApi:
    """An Event API as it is now."""

    id: str
    name: str
    arn: str
    region: str
    account: str
    providers: tuple[AuthProvider, ...]
    connection_auth: tuple[AuthType, ...]
    publish_auth: tuple[AuthType, ...]
    subscribe_auth: tuple[AuthType, ...]
    keys: Mapping[str, AppSyncKey]
    namespaces: Mapping[str, ChannelNamespace]
    data_sources: Mapping[str, DataSource]
    epoch: int = 0

    @property
    def auth(self) -> tuple[AuthProvider, ...]:
        """The ways in, by the name that a GraphQL API has for them."""
        return self.providers


class AppSyncReading(Protocol):
    """Reading at request time, each ``None`` when there is no such thing. In ``Resources`` as ``appsync``."""

    async def graphql_api(self, endpoint: str) -> GraphqlApi | None:
        """By the first label of its host name, which as on AWS is not the API's id."""
        ...

    async def event_api(self, endpoint: str) -> EventApi | None:
        """By the first label of its host name."""
        ...

    async def domain(self, name: str) -> str | None:
        """The first label of the host name of the API that a custom domain leads to."""
        ...
