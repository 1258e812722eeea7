"""The control plane: every AWS management request comes here, from the front or from inside."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sandbox.auth.credentials import Credential
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import Receive, Sandbox, Scope, Send
from sandbox.control import wire
from sandbox.control.app_runner import Applications
from sandbox.control.calls import Caller
from sandbox.control.ecs import Containers
from sandbox.control.eks import Clusters
from sandbox.control.elbv2 import LoadBalancing
from sandbox.control.event_sources import EventSources
from sandbox.control.localstack import LocalStack
from sandbox.control.message import App, Request, Response, ask, read_request, send_response
from sandbox.control.moto_backend import MotoBackend
from sandbox.control.resources import Resources
from sandbox.control.shims import Call, Shims
from sandbox.control.shims.call import Backend
from sandbox.control.target import Target, identify, operation_hint
from sandbox.control.user_pools import UserPools

log = logging.getLogger(__name__)

LARGE = 2**18  # bytes; a body that takes longer to parse than a thread to start
FOR_BROWSERS = frozenset(("cognito-idp", "cognito-identity"))  # APIs that answer pages of any origin
BROWSERS_SEE = (
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"),
)
CLOUDFORMATION = "sandbox.control.cloudformation"


class MotoControl:
    """moto in process, with shims before it where it falls short of AWS. One at a time in a process.

    With ``Settings.localstack_url`` the services that LocalStack has are asked there instead.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._moto = MotoBackend(sandbox.settings, sandbox.clock)
        self._caller = Caller(sandbox.settings, self.handle)
        url = sandbox.settings.localstack_url
        self._localstack = LocalStack(sandbox, url) if url else None
        self._shims = Shims(sandbox, self._moto, self._localstack, self._ensure_fresh)
        self._cloudformation: App | None = None
        self.resources: Resources = self._shims.resources
        self._fresh = False

    async def start(self) -> None:
        """Import moto in the background and start from nothing. Not needed: the first request does it as well."""
        await self._ensure_fresh()

    async def connect(self) -> None:
        """Make sure that a second backend answers. Raises ``BackendError`` that says what is wrong."""
        if self._localstack is not None:
            await self._localstack.check()

    @property
    def backend(self) -> Any:
        """``"moto"``, or what is known of LocalStack's services and why the others are not asked there."""
        return "moto" if self._localstack is None else self._localstack.routes()

    async def stop(self) -> None:
        """Stop moto's worker, leave LocalStack."""
        self._moto.close()
        if self._localstack is not None:
            self._localstack.close()

    async def reset(self) -> None:
        """Forget every resource."""
        self._shims.reset()
        if self._localstack is not None:
            self._localstack.reset()
        self._cloudformation = None
        await self._moto.reset()
        self._fresh = True

    async def _ensure_fresh(self) -> None:
        if not self._fresh:  # state that an earlier sandbox left in moto's globals
            self._fresh = True
            await self._moto.reset()

    async def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """Call an AWS API by its botocore names. Raises ``AwsError``."""
        return await self._caller.call(service, operation, params, self._sandbox.settings.region)

    async def role_credentials(self, role_arn: str, session: str = "lambda") -> tuple[str, str, str]:
        """Access key, secret key and session token of a new session of a role, as a service that assumes it has them.

        ``session``: the session's name; that of Lambda's environments by default.
        """
        await self._ensure_fresh()
        return await self._shims.identities.role_credentials(role_arn, session)

    async def secret_for(self, access_key: str) -> Credential | None:
        """What is known about an access key; ``None`` for an unknown one."""
        if not self._fresh:  # moto may hold the keys of an earlier sandbox
            return self._shims.identities.root_credential(access_key)
        return await self._shims.identities.secret_for(access_key)

    @property
    def user_pools(self) -> UserPools:
        """Cognito's user pools behind their hosted domains."""
        return self._shims.user_pools

    @property
    def event_sources(self) -> EventSources:
        """Event source mappings and the queues that they read."""
        return self._shims.event_sources

    @property
    def load_balancing(self) -> LoadBalancing:
        """Load balancers, their rules and target groups, as they are now."""
        return self._shims.load_balancing.records

    @property
    def applications(self) -> Applications:
        """App Runner's services, as they are wanted and as they are."""
        return self._shims.applications.records

    @property
    def clusters(self) -> Clusters:
        """EKS's clusters, as they are now."""
        return self._shims.clusters.records

    @property
    def containers(self) -> Containers:
        """ECS's services and tasks, as they are wanted and as they are."""
        return self._shims.containers.records

    async def issuer_keys(self, issuer: str) -> Sequence[Mapping[str, Any]] | None:
        """The public keys of a user pool by its issuer's address; ``None`` for another issuer."""
        return await self._shims.issuer_keys(issuer) if self._fresh else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: any AWS management request."""
        if scope["type"] != "http":
            raise ValueError(f"The control plane answers HTTP requests only, not {scope['type']!r}.")
        try:
            request = await read_request(scope, receive)
        except ConnectionResetError:
            return
        target = identify(request, self._sandbox.settings.region)
        if target is None:
            response = wire.write_error(request, "", _unknown(request), self._sandbox.ids.uuid())
        else:
            response = await self.handle(target, request)
        await send_response(response, send, head=request.method == "HEAD")

    async def handle(self, target: Target, request: Request) -> Response:
        """Answer a request whose service is known. Errors become AWS's answers."""
        await self._ensure_fresh()
        request_id = self._sandbox.ids.uuid()
        try:
            response = await self._answer(target, request, request_id)
        except AwsError as error:
            response = wire.write_error(request, target.service, error, request_id)
        except Exception as error:
            what = f"{target.service} {operation_hint(request)}"
            log.exception("The control plane failed on %s", what)
            failure = AwsError(500, "InternalFailure", f"The control plane failed on {what}: {error!r}")
            response = wire.write_error(request, target.service, failure, request_id)
        if target.service in FOR_BROWSERS and request.header("origin"):
            response = replace(response, headers=(*response.headers, *BROWSERS_SEE))
        self._sandbox.timeline.record(
            "control",
            "called",
            request_id,
            service=target.service,
            operation=operation_hint(request),
            status=response.status,
        )
        return response

    async def _answer(self, target: Target, request: Request, request_id: str) -> Response:
        if target.service == "cloudformation":
            engine = self._cloudformation_engine()
            if engine is not None:
                return await ask(engine, request)
        if target.service == "s3":
            await self._shims.deliveries.check_notification(request)
            download = self._shims.download(request)
            if download is not None:
                return download
        abroad = self._localstack is not None and await self._localstack.has(target.service)
        backend: Backend = self._localstack if abroad and self._localstack else self._moto
        shim = await self._shims.of(target.service, localstack=abroad)
        if shim is None or (not shim.whole and request.operation and request.operation not in shim.handlers):
            return await backend.ask(target, request)
        operation = await _read(target.service, request)
        handler = shim.handlers.get(operation.name)
        if handler is None and shim.whole:
            raise NotEmulatedError(f"{target.service} {operation.name}")
        if handler is None:
            return await backend.ask(target, request)
        result = await handler(Call(target, request, operation, backend))
        return result if isinstance(result, Response) else _written(operation, result, request_id)

    def _cloudformation_engine(self) -> App | None:
        if self._cloudformation is None and importlib.util.find_spec(CLOUDFORMATION) is not None:
            module = importlib.import_module(CLOUDFORMATION)
            if hasattr(module, "CloudFormation"):
                self._cloudformation = module.CloudFormation(self._sandbox)
        return self._cloudformation


async def _read(service: str, request: Request) -> wire.Operation:
    if len(request.body) > LARGE:
        return await asyncio.to_thread(wire.read, service, request)
    return wire.read(service, request)


def _written(operation: wire.Operation, result: Mapping[str, Any] | None, request_id: str) -> Response:
    return wire.write(operation, result or {}, request_id)


def _unknown(request: Request) -> NotEmulatedError:
    return NotEmulatedError(
        f"{request.method} {request.path} at {request.host}: nothing in the request names an AWS service "
        "(no signature, no service in the host, no X-Amz-Target)"
    )
