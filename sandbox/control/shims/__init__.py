"""What stands before moto: operations that it answers wrongly or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.context import Sandbox
from sandbox.control import wire
from sandbox.control.message import Request, Response
from sandbox.control.moto_backend import MotoBackend
from sandbox.control.people import MotoPeople
from sandbox.control.shims import apigateway, apigatewayv2, cognito_identity, cognito_idp, deliveries, lambda_
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.identities import Identities
from sandbox.control.shims.lambda_.downloads import Downloads
from sandbox.control.shims.managed_policies import ManagedPolicies
from sandbox.control.shims.quotas import Quotas
from sandbox.control.shims.reading import Reading
from sandbox.control.shims.sqs import LongPolls

__all__ = ["Call", "Shim", "Shims"]


@dataclass(frozen=True, slots=True)
class Shim:
    """The operations of a service that are ours. ``whole``: moto is not asked for the others."""

    handlers: Mapping[str, Handler]
    whole: bool = False


@dataclass(slots=True)
class Shims:
    """All shims and their state."""

    sandbox: Sandbox
    moto: MotoBackend
    quotas: Quotas = field(init=False)
    identities: Identities = field(init=False)
    resources: Reading = field(init=False)
    _lambda: lambda_.State = field(init=False)
    _apigateway: apigateway.State = field(init=False)
    _apigatewayv2: apigatewayv2.State = field(init=False)
    _identity_pools: cognito_identity.State = field(init=False)
    user_pools: cognito_idp.Oauth = field(init=False)
    _cognito: cognito_idp.State = field(init=False)
    _downloads: Downloads = field(init=False)
    _by_service: dict[str, Shim] = field(init=False)
    _ready: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.quotas = Quotas(self.sandbox)
        self.identities = Identities(self.sandbox, MotoPeople(self.moto))
        self._lambda = lambda_.State(self.sandbox, self.quotas)
        self._downloads = Downloads(self._lambda)
        self._apigateway = apigateway.State(self.sandbox, self.quotas)
        self._cognito = cognito_idp.State(self.sandbox, self.moto)
        self.user_pools = cognito_idp.Oauth(self._cognito)
        self._identity_pools = cognito_identity.State(
            self.sandbox, self.identities, self._cognito.issuer_keys
        )
        self._apigatewayv2 = apigatewayv2.State(self.sandbox)
        self.resources = Reading(self.sandbox, self._lambda, self._apigateway, self._apigatewayv2)
        self._by_service = {
            "lambda": Shim(lambda_.handlers(self._lambda), whole=True),
            "apigateway": Shim(apigateway.handlers(self._apigateway)),
            "apigatewayv2": Shim(apigatewayv2.handlers(self._apigatewayv2), whole=True),
            "cognito-idp": Shim(cognito_idp.handlers(self._cognito)),
            "cognito-identity": Shim(cognito_identity.handlers(self._identity_pools), whole=True),
            "service-quotas": Shim(self.quotas.handlers()),
            "sts": Shim(self.identities.sts()),
            "iam": Shim(ManagedPolicies(self.sandbox.settings, self.moto).handlers()),
            "sqs": Shim(LongPolls(self.sandbox, self.moto).handlers()),
            **{service: Shim(handlers) for service, handlers in deliveries.handlers().items()},
        }

    def reset(self) -> None:
        """Forget everything."""
        self.quotas.reset()
        self.identities.reset()
        self._lambda.reset()
        self._apigateway.reset()
        self._apigatewayv2.reset()
        self._cognito.reset()
        self._identity_pools.reset()
        self.user_pools.reset()

    def download(self, request: Request) -> Response | None:
        """The deployment package that an S3 request wants, when it is one."""
        return self._downloads.answer(request)

    async def issuer_keys(self, issuer: str) -> Sequence[Mapping[str, Any]] | None:
        """The public keys of a user pool by its issuer's address; ``None`` for another issuer."""
        return await self._cognito.issuer_keys(issuer)

    async def of(self, service: str) -> Shim | None:
        """A service's shim, its model loaded off the loop at the first use."""
        shim = self._by_service.get(service)
        if shim is not None and service not in self._ready:
            await self.moto.run(lambda: wire.service_model(service))
            self._ready.add(service)
        return shim
