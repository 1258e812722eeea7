"""moto's own answers, in process: its URL routing for each service, called in one worker thread.

moto keeps all state in module globals and its services reach into each other, so one thread for all of them is
both the lock and the queue. A service's code is imported at its first request.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.clock import Clock
from sandbox.context import Settings
from sandbox.control import moto_cognito, moto_ec2, moto_s3, moto_time
from sandbox.control.message import Request, Response
from sandbox.control.target import Target, operation_hint
from sandbox.control.wire import werkzeug_request

log = logging.getLogger(__name__)

Handler = Callable[[Any, str, Any], Any]

# botocore's names of services whose host name differs.
HOSTS = {
    "cloudwatch": "monitoring",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "stepfunctions": "states",
    "ses": "email",
    "sesv2": "email",
    "service-quotas": "servicequotas",
    "resourcegroupstaggingapi": "tagging",
    "dynamodbstreams": "streams.dynamodb",
    "iot-data": "data.iot",
    "amp": "aps",
    "apigatewayv2": "apigateway",
    "s3control": "s3-control",
    "ecr": "api.ecr",
    "efs": "elasticfilesystem",
}


@dataclass(frozen=True, slots=True)
class _Routes:
    """A moto service's URL patterns, compiled once, and what answers them."""

    patterns: tuple[tuple[re.Pattern[str], Handler], ...]

    def find(self, url: str) -> Handler | None:
        return next((handler for pattern, handler in self.patterns if pattern.match(url)), None)


class MotoBackend:
    """Asks moto. One in a process: moto's state is global."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="moto")
        self._change: asyncio.Future[None] | None = None

    async def warm(self) -> None:
        """Import moto's core now, in the worker, so that the first request need not wait for it."""
        await self.run(_import_core)

    async def run(self, work: Callable[[], Any]) -> Any:
        """Run something that reads or changes moto's state, alone, in the worker."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def reset(self) -> None:
        """Forget everything; identifiers start again from the seed."""
        await self.run(self._reset)

    def close(self) -> None:
        """Stop the worker."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _reset(self) -> None:
        _import_core()
        from moto.core.base_backend import BackendDict
        from moto.moto_api._internal import mock_random

        moto_time.use(self._clock)
        moto_time.adopt()
        BackendDict.reset()
        mock_random.seed(self._settings.seed)

    async def ask(self, target: Target, request: Request, *, quiet: bool = False) -> Response:
        """moto's answer. Raises ``NotEmulatedError`` for what it does not know.

        ``quiet``: the request only looks, so those who wait for a change are not woken.
        """
        try:
            return await self.run(lambda: self._ask(target, request))  # type: ignore[no-any-return]
        finally:
            if not quiet:
                self._wake()

    def changed(self) -> asyncio.Future[None]:
        """Done after the next request that may have changed something."""
        if self._change is None or self._change.done():
            self._change = asyncio.get_running_loop().create_future()
        return self._change

    def _wake(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)

    def _ask(self, target: Target, request: Request) -> Response:
        url = _aws_url(target, request)
        handler = self._routes_of(target.service, url).find(url.split("?")[0])
        if handler is None:
            raise NotEmulatedError(_what(target, request))
        headers = {"x-moto-account-id": self._settings.account}
        if target.service == "s3":
            # moto finds the bucket in the host or the path, and knows AWS's hosts only
            request = _with_host(request, url.split("/")[2])
        if request.header("authorization") is None:  # moto reads the Region from it
            headers["Authorization"] = (
                f"AWS4-HMAC-SHA256 Credential=none/19700101/{target.region}/x/aws4_request"
            )
        wrapped = werkzeug_request(request, headers)
        return _called(handler, wrapped, target, request)

    def _routes_of(self, service: str, url: str) -> _Routes:
        if service not in _routes:
            _routes[service] = _load(service, url)
            moto_time.adopt()
            if service == "s3":
                moto_s3.adopt()
            elif service == "cognito-idp":
                moto_cognito.adopt()
        return _routes[service]


_routes: dict[str, _Routes] = {}  # they are the same for every sandbox of the process


def warm(services: Iterable[str]) -> None:
    """Import moto's core and its code for some services before there is a sandbox."""
    _prepare_variables()
    _import_core()
    from moto import backends

    with moto_ec2.adopted():
        for service in services:
            backends.get_backend(service)  # type: ignore[call-overload]
            importlib.import_module(f"moto.{service}.urls")


def _import_core() -> None:
    import moto.core.responses
    import moto.core.serialize
    import moto.moto_api._internal

    from sandbox.control import moto_models

    moto_models.adopt()
    _cache_method_names(moto.core.responses)


def _cache_method_names(responses: Any) -> None:
    """moto looks through a class's members at each request; once a class is enough."""
    from functools import cache

    if not hasattr(responses.method_names_from_class, "cache_info"):
        responses.method_names_from_class = cache(responses.method_names_from_class)


def _prepare_variables() -> None:
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # moto's import reads it through boto3's session
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):  # moto's sessions would fail without the user's files
        os.environ.pop(name, None)


def _load(service: str, url: str) -> _Routes:
    """Import the moto service that answers at ``url`` and compile its routes."""
    _prepare_variables()
    _import_core()
    import moto.backends
    from moto.backend_index import backend_url_patterns

    names = [name for name, pattern in backend_url_patterns if pattern.match(url)]
    preferred = {"elbv2": "elbv2", "iot-data": "iotdata", "dynamodb": "dynamodb"}.get(service)
    if not names:
        return _Routes(())
    name = preferred if preferred in names else names[0]
    get_backend: Any = moto.backends.get_backend
    with moto_ec2.adopted():
        regions = get_backend(name)["123456789012"]  # of any account: only the routes are read
        backend = regions["us-east-1"] if "us-east-1" in regions else regions["aws"]
    return _Routes(tuple((re.compile(pattern), handler) for pattern, handler in backend.urls.items()))


def _aws_url(target: Target, request: Request) -> str:
    """The address in AWS's form, by which moto's routes find the handler."""
    host = f"{HOSTS.get(target.service, target.service)}.{target.region}.amazonaws.com"
    if target.bucket:
        host = f"{target.bucket}.{host}"
    return f"https://{host}{request.path}" + (f"?{request.query}" if request.query else "")


def _with_host(request: Request, host: str) -> Request:
    return Request(
        request.method, host, request.path, request.query, request.headers, request.body, request.scheme
    )


def _called(handler: Handler, wrapped: Any, target: Target, request: Request) -> Response:
    from werkzeug.exceptions import HTTPException

    try:
        status, headers, body = handler(wrapped, wrapped.raw_url, wrapped.headers)
    except HTTPException as error:
        status, headers, body = error.code or 500, dict(error.get_headers()), error.get_body()
    except NotImplementedError:
        raise NotEmulatedError(_what(target, request)) from None
    except Exception as error:
        what = _what(target, request)
        log.exception("moto failed on %s", what)
        message = f"The control plane's backend failed on {what}: {type(error).__name__}: {error}"
        raise AwsError(500, "InternalFailure", message) from error
    if int(status) == 404 and not body and target.service not in ("s3", "s3control"):
        raise NotEmulatedError(_what(target, request))  # so moto says that it does not know an operation
    return _response(int(status), headers, body)


def _what(target: Target, request: Request) -> str:
    return f"{target.service} {operation_hint(request)}"


def _response(status: int, headers: Mapping[str, Any], body: Any) -> Response:
    data = body.encode("utf-8") if isinstance(body, str) else bytes(body or b"")
    kept = tuple(
        (name, str(value))
        for name, value in headers.items()
        if name.lower() not in ("status", "content-length", "transfer-encoding", "connection", "server")
    )
    length = next((str(v) for k, v in headers.items() if k.lower() == "content-length"), None)
    if length is not None and not data:  # an answer to HEAD tells the length of what it leaves out
        kept = (*kept, ("Content-Length", length))
    return Response(status, kept, data)
