"""What stands before moto: operations that it answers wrongly or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from sandbox.context import Sandbox
from sandbox.control import wire
from sandbox.control.localstack import LocalStack
from sandbox.control.message import Request, Response
from sandbox.control.moto_backend import MotoBackend
from sandbox.control.people import MotoPeople
from sandbox.control.shims import (
    apigateway,
    apigatewayv2,
    app_runner,
    appsync,
    cognito_identity,
    cognito_idp,
    ecs,
    eks,
    elbv2,
    iot,
    lambda_,
    stepfunctions,
)
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.deliveries import Deliveries
from sandbox.control.shims.identities import Identities
from sandbox.control.shims.iot_data import IotData
from sandbox.control.shims.lambda_.downloads import Downloads
from sandbox.control.shims.lambda_.event_sources import Mappings
from sandbox.control.shims.managed_policies import ManagedPolicies
from sandbox.control.shims.quotas import Quotas
from sandbox.control.shims.reading import Reading
from sandbox.control.shims.sqs import Sqs
from sandbox.control.shims.sqs import State as SqsState
from sandbox.control.shims.sqs.from_moto import Bridge

if TYPE_CHECKING:
    from sandbox.control.shims.cognito_idp.oauth import Oauth
    from sandbox.control.shims.cognito_idp.state import State as CognitoState

__all__ = ["Call", "Shim", "Shims"]


@dataclass(frozen=True)
class Shim:
    """The operations of a service that are ours. ``whole``: moto is not asked for the others."""

    make: Callable[[], Mapping[str, Handler]]
    whole: bool = False

    @cached_property
    def handlers(self) -> Mapping[str, Handler]:
        """By operation, made when the service is first used."""
        return self.make()


@dataclass
class Shims:
    """All shims and their state. ``ready``: asked before moto is looked into."""

    sandbox: Sandbox
    moto: MotoBackend
    localstack: LocalStack | None = None
    ready: Callable[[], Awaitable[None]] | None = None
    quotas: Quotas = field(init=False)
    identities: Identities = field(init=False)
    resources: Reading = field(init=False)
    _lambda: lambda_.State = field(init=False)
    _apigateway: apigateway.State = field(init=False)
    _apigatewayv2: apigatewayv2.State = field(init=False)
    _appsync: appsync.State = field(init=False)
    _identity_pools: cognito_identity.State = field(init=False)
    _downloads: Downloads = field(init=False)
    _sqs: Sqs = field(init=False)
    deliveries: Deliveries = field(init=False)
    event_sources: Mappings = field(init=False)
    applications: app_runner.State = field(init=False)
    containers: ecs.State = field(init=False)
    load_balancing: elbv2.State = field(init=False)
    clusters: eks.State = field(init=False)
    _iot: iot.State = field(init=False)
    _stepfunctions: stepfunctions.State = field(init=False)
    _by_service: dict[str, Shim] = field(init=False)
    _before_localstack: dict[str, Shim] = field(init=False)
    _ready: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.quotas = Quotas(self.sandbox)
        people = MotoPeople(self.moto)
        self.identities = Identities(
            self.sandbox, self.localstack.people(people) if self.localstack else people
        )
        self._lambda = lambda_.State(self.sandbox, self.quotas)
        self._downloads = Downloads(self._lambda)
        self._apigateway = apigateway.State(self.sandbox, self.quotas)
        self._identity_pools = cognito_identity.State(self.sandbox, self.identities, self.issuer_keys)
        self._apigatewayv2 = apigatewayv2.State(self.sandbox)
        self._apigateway.websocket_stage = self._apigatewayv2.websocket_stage
        self._sqs = Sqs(SqsState(self.sandbox))
        self.event_sources = self._lambda.mappings = Mappings(self._sqs.state)
        self.deliveries = Deliveries(self.moto, Bridge(self._sqs.state, self._sqs.sending))
        self._appsync = appsync.State(self.sandbox)
        self.resources = Reading(
            self.sandbox,
            self._lambda,
            self._apigateway,
            self._apigatewayv2,
            self._appsync,
        )
        self.applications = app_runner.State(self.sandbox)
        self.containers = ecs.State(self.sandbox)
        self.load_balancing = elbv2.State(self.sandbox)
        self.clusters = eks.State(self.sandbox)
        self._iot = iot.State(self.sandbox, self.moto)
        self._stepfunctions = stepfunctions.State(self.sandbox)
        self.resources.iot = iot.IotRead(self._iot)
        self._by_service = {
            "lambda": Shim(partial(lambda_.handlers, self._lambda), whole=True),
            "apigateway": Shim(partial(apigateway.handlers, self._apigateway)),
            "apigatewayv2": Shim(partial(apigatewayv2.handlers, self._apigatewayv2), whole=True),
            "apprunner": Shim(partial(app_runner.handlers, self.applications), whole=True),
            "appsync": Shim(partial(appsync.handlers, self._appsync), whole=True),
            "cognito-idp": Shim(lambda: cognito_idp.handlers(self._cognito)),
            "cognito-identity": Shim(partial(cognito_identity.handlers, self._identity_pools), whole=True),
            "ecs": Shim(partial(ecs.handlers, self.containers), whole=True),
            "eks": Shim(partial(eks.handlers, self.clusters)),
            "elbv2": Shim(partial(elbv2.handlers, self.load_balancing), whole=True),
            "iot": Shim(partial(iot.handlers, self._iot)),
            "iot-data": Shim(IotData(self.sandbox).handlers, whole=True),
            "service-quotas": Shim(self.quotas.handlers),
            "sts": Shim(self.identities.sts),
            "iam": Shim(ManagedPolicies(self.sandbox.settings, self.moto).handlers),
            "sqs": Shim(self._sqs.handlers, whole=True),
            "stepfunctions": Shim(partial(stepfunctions.handlers, self._stepfunctions), whole=True),
            **{name: Shim(partial(dict, made)) for name, made in self.deliveries.handlers().items()},
        }
        self._before_localstack = {
            name: self._by_service[name] for name in ("sts", *self.deliveries.handlers())
        }  # the others mend moto, or take its place

    @cached_property
    def _cognito(self) -> CognitoState:
        """Imported when a user pool is first asked for."""
        from sandbox.control.shims.cognito_idp.state import State

        return State(self.sandbox, self.moto)

    @cached_property
    def user_pools(self) -> Oauth:
        """User pools behind their hosted domains."""
        from sandbox.control.shims.cognito_idp.oauth import Oauth

        return Oauth(self._cognito, self.ready)

    def reset(self) -> None:
        """Forget everything."""
        self.quotas.reset()
        self.applications.reset()
        self.containers.reset()
        self.load_balancing.reset()
        self.clusters.reset()
        self._iot.reset()
        self._stepfunctions.reset()
        self.identities.reset()
        self._lambda.reset()
        self._apigateway.reset()
        self._apigatewayv2.reset()
        self._appsync.reset()
        self._identity_pools.reset()
        self._sqs.reset()
        for made in ("_cognito", "user_pools"):
            if made in vars(self):
                getattr(self, made).reset()

    def download(self, request: Request) -> Response | None:
        """The deployment package that an S3 request wants, when it is one."""
        return self._downloads.answer(request)

    async def issuer_keys(self, issuer: str) -> Sequence[Mapping[str, Any]] | None:
        """The public keys of a user pool by its issuer's address; ``None`` for another issuer."""
        return await self._cognito.issuer_keys(issuer)

    async def of(self, service: str, *, localstack: bool = False) -> Shim | None:
        """What stands before moto or LocalStack for a service, its model loaded off the loop at the first use."""
        shim = (self._before_localstack if localstack else self._by_service).get(service)
        if shim is not None and service not in self._ready:
            await self.moto.run(lambda: (wire.service_model(service), shim.handlers))
            self._ready.add(service)
        return shim
