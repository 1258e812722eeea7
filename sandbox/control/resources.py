"""A typed reading of what exists, the same whichever backend holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from sandbox.control.appsync import AppSyncReading
from sandbox.control.iot import IotReading


@dataclass(frozen=True, slots=True)
class FunctionConfig:
    """A published version of a function, or ``$LATEST``. ``revision`` changes with any change of code or config."""

    name: str
    arn: str  # unqualified
    version: str  # "$LATEST" or a number
    revision: str
    runtime: str  # "nodejs24.x"
    handler: str
    role: str
    timeout_s: int
    memory_mb: int
    ephemeral_storage_mb: int
    environment: Mapping[str, str]
    code_zip: bytes
    layers: tuple[tuple[str, bytes], ...]  # (layer version ARN, zip)
    architecture: str
    reserved_concurrency: int | None
    log_group: str
    retry_attempts: int = 2  # of asynchronous invocations
    max_event_age_s: int = 21_600
    on_success: str | None = None
    on_failure: str | None = None
    dead_letter: str | None = None
    tracing: str = "PassThrough"


@dataclass(frozen=True, slots=True)
class PolicyStatement:
    """A statement of a function's resource policy (AddPermission)."""

    sid: str
    effect: str
    principal: Any
    action: tuple[str, ...]
    resource: str
    condition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cors:
    """CORS of a Function URL."""

    allow_credentials: bool = False
    allow_headers: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: int | None = None


@dataclass(frozen=True, slots=True)
class FunctionUrl:
    """A Function URL of a function or of one of its aliases."""

    url_id: str
    function: str  # name
    qualifier: str | None  # alias
    auth_type: Literal["NONE", "AWS_IAM"]
    invoke_mode: Literal["BUFFERED", "RESPONSE_STREAM"]
    cors: Cors | None
    policy: tuple[PolicyStatement, ...]  # of the function or alias


@dataclass(frozen=True, slots=True)
class Integration:
    """A REST API integration."""

    type: Literal["AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"]
    uri: str
    http_method: str
    timeout_ms: int
    transfer_mode: Literal["BUFFERED", "STREAM"]
    credentials: str | None
    passthrough: str
    content_handling: str | None
    request_parameters: Mapping[str, str]
    request_templates: Mapping[str, str]
    responses: Mapping[str, Mapping[str, Any]]  # status -> IntegrationResponse as the API gives it
    cache_namespace: str = ""
    cache_key_parameters: tuple[str, ...] = ()
    connection_id: str | None = None  # of the VPC link, when the integration is private
    target: str | None = None  # ARN of the load balancer or listener of a VPC link of version 2


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a REST resource."""

    http_method: str  # or "ANY"
    authorization: str
    authorizer_id: str | None
    api_key_required: bool
    scopes: tuple[str, ...]
    integration: Integration | None
    responses: Mapping[str, Mapping[str, Any]]
    request_parameters: Mapping[str, bool] = field(
        default_factory=dict
    )  # "method.request.header.x" -> required
    request_models: Mapping[str, str] = field(default_factory=dict)  # content type -> model's name
    validator_id: str | None = None
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class RestResource:
    """A resource of a REST API. ``path``: "/chat/{id}" or "/{proxy+}"."""

    id: str
    path: str
    methods: Mapping[str, Method]


@dataclass(frozen=True, slots=True)
class StageCache:
    """A stage's cache cluster. ``epoch`` rises when it is flushed; ``size``: bytes."""

    epoch: int
    size: int


@dataclass(frozen=True, slots=True)
class RestApi:
    """A REST API as deployed to a stage."""

    id: str
    stage: str
    endpoint_type: Literal["REGIONAL", "EDGE", "PRIVATE"]
    resources: tuple[RestResource, ...]
    stage_variables: Mapping[str, str]
    binary_media_types: tuple[str, ...]
    gateway_responses: Mapping[str, Mapping[str, Any]]  # type -> GatewayResponse as the API gives it
    deployment_id: str
    authorizers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by name, as GetModel gives them
    validators: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by id
    policy: Mapping[str, Any] | None = None  # the API's resource policy as it was deployed
    api_key_source: Literal["HEADER", "AUTHORIZER"] = "HEADER"
    disable_execute_api_endpoint: bool = False
    method_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # "*/*" -> MethodSetting
    access_log: Mapping[str, str] | None = None  # AccessLogSettings: destinationArn, format
    authorizers_epoch: int = (
        0  # rises with FlushStageAuthorizersCache: kept results of an earlier one count no more
    )
    cache: StageCache | None = None
    canary: RestApi | None = None  # what ``canary_percent`` of the requests get instead
    canary_percent: float = 0.0
    is_canary: bool = False


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key of REST APIs."""

    id: str
    value: str
    name: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class UsagePlan:
    """A usage plan as far as it is about one stage. Rates: requests a second; ``None``: no throttle of the plan."""

    id: str
    rate: float | None
    burst: int | None
    method_throttle: Mapping[str, tuple[float, int]]  # "/chat/GET" -> (rate, burst)
    key_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class V2Integration:
    """An integration of an HTTP or WebSocket API, as ``GetIntegration`` gives it."""

    id: str
    type: Literal["AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"]
    subtype: str | None  # "SQS-SendMessage": an AWS service integration of an HTTP API
    uri: str
    method: str
    timeout_ms: int
    payload_format: Literal["1.0", "2.0"]
    credentials: str | None
    content_handling: str | None
    passthrough: str
    template_selection: str | None
    request_parameters: Mapping[str, str]
    request_templates: Mapping[str, str]
    response_parameters: Mapping[str, Mapping[str, str]]  # status -> mapping (HTTP API)
    responses: Mapping[str, Mapping[str, Any]]  # key -> IntegrationResponse (WebSocket API)
    connection_type: str = "INTERNET"  # or "VPC_LINK"
    connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class V2Route:
    """A route: key "GET /chat/{id}", "ANY /{proxy+}", "$default", "$connect", "sendMessage"."""

    id: str
    key: str
    authorization: Literal["NONE", "AWS_IAM", "JWT", "CUSTOM"]
    authorizer_id: str | None
    scopes: tuple[str, ...]
    api_key_required: bool
    integration: V2Integration | None
    models: Mapping[str, str]
    model_selection: str | None
    response_selection: str | None
    responses: Mapping[str, Mapping[str, Any]]  # key -> RouteResponse
    operation: str | None = None  # OperationName


@dataclass(frozen=True, slots=True)
class V2Authorizer:
    """A JWT or Lambda (REQUEST) authorizer."""

    id: str
    name: str
    type: Literal["JWT", "REQUEST"]
    identity_source: tuple[str, ...]
    issuer: str | None
    audience: tuple[str, ...]
    uri: str | None
    credentials: str | None
    payload_format: Literal["1.0", "2.0"] | None
    simple_responses: bool
    ttl_s: int


@dataclass(frozen=True, slots=True)
class V2Throttle:
    """Route or stage throttling; ``None``: the account's."""

    burst: int | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class V2Api:
    """An HTTP or WebSocket API as deployed to a stage (with auto-deploy: as it is now)."""

    id: str
    name: str
    protocol: Literal["HTTP", "WEBSOCKET"]
    stage: str
    route_selection: str
    api_key_selection: str
    routes: Mapping[str, V2Route]  # by key
    authorizers: Mapping[str, V2Authorizer]
    models: Mapping[str, Mapping[str, Any]]  # by name, as GetModel gives them
    stage_variables: Mapping[str, str]
    cors: Mapping[str, Any] | None  # as CorsConfiguration
    deployment_id: str | None
    disable_execute_api_endpoint: bool
    default_throttle: V2Throttle
    route_throttle: Mapping[str, V2Throttle]
    results_epoch: int = 0  # rises with ResetAuthorizersCache: kept results of an earlier one count no more


class Resources(Protocol):
    """Reading at request time. Each returns ``None`` when the thing does not exist."""

    iot: IotReading

    @property
    def appsync(self) -> AppSyncReading:
        """AppSync's APIs."""
        ...

    async def function(self, name: str, qualifier: str | None = None) -> FunctionConfig | None:
        """By name, partial or full ARN; qualifier: version, alias or ``None``. Aliases are resolved (weights too)."""
        ...

    async def function_url(self, url_id: str) -> FunctionUrl | None: ...

    async def function_policy(
        self, name: str, qualifier: str | None = None
    ) -> tuple[PolicyStatement, ...]: ...

    async def rest_api(self, api_id: str, stage: str) -> RestApi | None: ...

    async def rest_api_exists(self, api_id: str) -> bool: ...

    async def api_key(self, value: str) -> ApiKey | None:
        """An API key by its value."""
        ...

    async def usage_plans(self, api_id: str, stage: str) -> tuple[UsagePlan, ...]:
        """The usage plans of a stage of a REST API."""
        ...

    async def use_quota(self, plan_id: str, key_id: str) -> bool:
        """Count a request of a key against its plan's quota. ``False``: the quota is used up."""
        ...

    async def v2_api(self, api_id: str, stage: str) -> V2Api | None:
        """An HTTP or WebSocket API at a stage."""
        ...

    async def v2_protocol(self, api_id: str) -> Literal["HTTP", "WEBSOCKET"] | None:
        """Which kind of API the id is; ``None``: none of these."""
        ...

    async def account_concurrency(self) -> int: ...
