"""The typed reading of functions and APIs. Nothing is copied that is large: packages are the stored bytes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.resources import (
    ApiKey,
    Cors,
    FunctionConfig,
    FunctionUrl,
    PolicyStatement,
    RestApi,
    UsagePlan,
    V2Api,
)
from sandbox.control.shims.apigateway.served import served_stage
from sandbox.control.shims.apigateway.state import State as ApiState
from sandbox.control.shims.apigatewayv2.snapshot import served
from sandbox.control.shims.apigatewayv2.state import State as V2State
from sandbox.control.shims.appsync.state import State as AppSyncState
from sandbox.control.shims.lambda_.names import LATEST, FunctionName
from sandbox.control.shims.lambda_.state import State as LambdaState
from sandbox.control.shims.lambda_.store import (
    Alias,
    Function,
    Policy,
    Region,
    UrlConfig,
    Version,
    version_of,
)

if TYPE_CHECKING:
    from sandbox.control.appsync import AppSyncReading
    from sandbox.control.iot import IotReading


class Reading:
    """Implements ``sandbox.control.resources.Resources``."""

    iot: IotReading

    def __init__(
        self,
        sandbox: Sandbox,
        lambda_: LambdaState,
        apigateway: ApiState,
        apigatewayv2: V2State,
        appsync: AppSyncState,
    ) -> None:
        self._sandbox = sandbox
        self._lambda = lambda_
        self._apigateway = apigateway
        self._apigatewayv2 = apigatewayv2
        self._appsync = appsync

    @cached_property
    def appsync(self) -> AppSyncReading:
        """AppSync's APIs; imported when first read."""
        from sandbox.control.shims.appsync.reading import AppSyncRead

        return AppSyncRead(self._appsync)

    async def function(self, name: str, qualifier: str | None = None) -> FunctionConfig | None:
        """A function as it would run now; of an alias with weights one of its versions, drawn from the seed."""
        region, parsed, function = self._named(name, qualifier)
        if function is None:
            return None
        wanted = parsed.qualifier
        alias = function.aliases.get(wanted) if wanted else None
        version = version_of(function, self._drawn(alias) if alias else wanted)
        return None if version is None else _config(region, function, version, wanted or LATEST)

    def _named(self, name: str, qualifier: str | None) -> tuple[Region, FunctionName, Function | None]:
        parsed = FunctionName.parse(name, qualifier)
        region = self._lambda.region(parsed.region)
        try:
            return region, parsed, region.function(parsed)
        except AwsError:
            return region, parsed, None

    def _drawn(self, alias: Alias) -> str:
        """One of an alias's versions, by their weights."""
        if not alias.weights:
            return alias.version
        drawn = int(self._sandbox.ids.hex(12), 16) / 16**12
        for version, weight in alias.weights.items():
            if drawn < weight:
                return version
            drawn -= weight
        return alias.version

    async def function_url(self, url_id: str) -> FunctionUrl | None:
        """A Function URL by the first label of its host."""
        found = self._lambda.url(url_id)
        if found is None:
            return None
        _, function, config = found
        return FunctionUrl(
            url_id=config.url_id,
            function=function.name,
            qualifier=config.qualifier,
            auth_type=cast(Literal["NONE", "AWS_IAM"], config.auth_type),
            invoke_mode=cast(Literal["BUFFERED", "RESPONSE_STREAM"], config.invoke_mode),
            cors=_cors(config),
            policy=_statements(function.policies.get(config.qualifier or "")),
        )

    async def function_policy(self, name: str, qualifier: str | None = None) -> tuple[PolicyStatement, ...]:
        """The statements of a function's or an alias's resource policy; empty when there is none."""
        _, parsed, function = self._named(name, qualifier)
        key = parsed.qualifier if parsed.qualifier not in (None, LATEST) else ""
        return _statements(function.policies.get(key or "")) if function else ()

    async def rest_api(self, api_id: str, stage: str) -> RestApi | None:
        """What a stage serves: the snapshot of its deployment."""
        api = self._apigateway.anywhere(api_id)
        document = api.stages.get(stage) if api else None
        if api is None or document is None:
            return None
        return served_stage(api, stage, document)

    async def rest_api_exists(self, api_id: str) -> bool:
        """Whether there is a REST API of this id, deployed or not."""
        return self._apigateway.anywhere(api_id) is not None

    async def v2_api(self, api_id: str, stage: str) -> V2Api | None:
        """What a stage of an HTTP or WebSocket API serves: the snapshot of its deployment, its own settings."""
        api = self._apigatewayv2.anywhere(api_id)
        if api is None:
            return None
        return served(api, stage, self._apigatewayv2.results_epoch(api_id, stage))

    async def v2_protocol(self, api_id: str) -> Literal["HTTP", "WEBSOCKET"] | None:
        """The protocol of an HTTP or WebSocket API, deployed or not."""
        api = self._apigatewayv2.anywhere(api_id)
        return None if api is None else cast(Literal["HTTP", "WEBSOCKET"], api.protocol)

    async def api_key(self, value: str) -> ApiKey | None:
        """An API key by its value."""
        for kept in self._apigateway.all_keys():
            for key in kept.keys.values():
                if key["value"] == value:
                    return ApiKey(key["id"], value, key.get("name", ""), key["enabled"])
        return None

    async def usage_plans(self, api_id: str, stage: str) -> tuple[UsagePlan, ...]:
        """The usage plans of a stage."""
        found = []
        for kept in self._apigateway.all_keys():
            for plan in kept.plans.values():
                for entry in plan["apiStages"]:
                    if (entry["apiId"], entry["stage"]) == (api_id, stage):
                        found.append(_plan(plan, entry, kept.members.get(plan["id"], [])))
        return tuple(found)

    async def use_quota(self, plan_id: str, key_id: str) -> bool:
        """Count a request against a plan's quota."""
        today = self._sandbox.clock.utcnow().date()
        for kept in self._apigateway.all_keys():
            if plan_id in kept.plans:
                return kept.use(kept.plans[plan_id], key_id, today)
        return True

    async def account_concurrency(self) -> int:
        """Lambda's concurrent executions of the account in the Region."""
        return self._lambda.account_concurrency


def _config(region: Region, function: Function, version: Version, qualifier: str) -> FunctionConfig:
    config = version.config
    events = function.event_invoke.get(qualifier) or function.event_invoke.get(version.version) or {}
    destinations = events.get("DestinationConfig") or {}
    return FunctionConfig(
        name=function.name,
        arn=region.arns.function(function.name),
        version=version.version,
        revision=version.revision,
        runtime=config["Runtime"],
        handler=config["Handler"],
        role=config["Role"],
        timeout_s=config["Timeout"],
        memory_mb=config["MemorySize"],
        ephemeral_storage_mb=config["EphemeralStorage"]["Size"],
        environment=(config.get("Environment") or {}).get("Variables") or {},
        code_zip=version.package.zip,
        layers=tuple(
            (region.arns.layer(layer.name, layer.version), layer.package.zip) for layer in config["Layers"]
        ),
        architecture=config["Architectures"][0],
        reserved_concurrency=function.reserved,
        log_group=config["LoggingConfig"].get("LogGroup") or f"/aws/lambda/{function.name}",
        retry_attempts=events.get("MaximumRetryAttempts", 2),
        max_event_age_s=events.get("MaximumEventAgeInSeconds", 21_600),
        on_success=(destinations.get("OnSuccess") or {}).get("Destination"),
        on_failure=(destinations.get("OnFailure") or {}).get("Destination"),
        dead_letter=(config.get("DeadLetterConfig") or {}).get("TargetArn"),
        tracing=config["TracingConfig"]["Mode"],
    )


def _plan(plan: dict[str, Any], entry: dict[str, Any], members: list[str]) -> UsagePlan:
    throttle = plan.get("throttle") or {}
    methods = {
        key: (float(given.get("rateLimit", 0)), int(given.get("burstLimit", 0)))
        for key, given in (entry.get("throttle") or {}).items()
    }
    return UsagePlan(
        id=plan["id"],
        rate=throttle.get("rateLimit"),
        burst=throttle.get("burstLimit"),
        method_throttle=methods,
        key_ids=frozenset(members),
    )


def _cors(config: UrlConfig) -> Cors | None:
    given: dict[str, Any] | None = config.cors
    if not given:
        return None
    return Cors(
        allow_credentials=bool(given.get("AllowCredentials", False)),
        allow_headers=tuple(given.get("AllowHeaders") or ()),
        allow_methods=tuple(given.get("AllowMethods") or ()),
        allow_origins=tuple(given.get("AllowOrigins") or ()),
        expose_headers=tuple(given.get("ExposeHeaders") or ()),
        max_age=given.get("MaxAge"),
    )


def _statements(policy: Policy | None) -> tuple[PolicyStatement, ...]:
    if policy is None:
        return ()
    return tuple(
        PolicyStatement(
            sid=statement["Sid"],
            effect=statement["Effect"],
            principal=statement["Principal"],
            action=(statement["Action"],),
            resource=statement["Resource"],
            condition=statement.get("Condition", {}),
        )
        for statement in policy.statements.values()
    )
