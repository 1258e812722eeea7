"""Who answers a request: a data plane, the mock model, the sandbox's own pages, or AWS's management APIs.

The order of :meth:`Front._choose` is the whole routing:

1. a service that claims the address (after path style is undone);
2. the mock model: the hosts of OpenAI and Anthropic, path ``/_llm/...``, and Bedrock's runtime by its host or by
   a path of it that is signed for ``bedrock`` (its signature is checked first);
3. the sandbox itself: ``/_sandbox/...`` and ``/``;
4. everything else is an AWS API call: its signature is checked, then the Lambda data plane or the control plane
   answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from email.utils import formatdate
from functools import cache
from typing import Any, TypeGuard
from urllib.parse import unquote_to_bytes

from sandbox.aws.errors import AwsError
from sandbox.context import Impatient, Receive, Refusal, Sandbox, Scope, Send, Service, SharesHost
from sandbox.front import bedrock
from sandbox.front.address import Resolved, resolve
from sandbox.front.errors import send_error
from sandbox.front.signing import Signing

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MODEL_PREFIX = b"/_llm"
MODEL_HOSTS = frozenset({"api.openai.com", "api.anthropic.com"})
ADMIN_PREFIX = "/_sandbox"


class Front:
    """The ASGI application behind the one port."""

    def __init__(self, sandbox: Sandbox, model: Application, admin: Application) -> None:
        self._sandbox = sandbox
        self._model = model
        self._admin = admin
        self._signing = Signing(sandbox)
        self._date = (-1, b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        dated = self._with_date(send)
        try:
            answer = await self._choose(scope)
            if scope["type"] == "websocket":
                await self._open(answer, scope, receive, dated)
            elif answer is self._admin:
                await answer(scope, receive, dated)
            else:
                with ExitStack() as request:
                    moving = self._sandbox.clock.in_flight(f"{scope['method']} {scope['path']}")
                    request.enter_context(moving)
                    scope["idle"] = request.close  # for an answer that goes on as a wait for news
                    await answer(scope, receive, dated)
        except AwsError as error:
            await send_error(error, scope, dated, self._sandbox.ids.uuid())

    async def _open(self, answer: Application, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket lets time move until its handshake is answered; an open one that is idle does not."""
        connection = scope.get("websocket")
        with ExitStack() as handshake:
            if connection is not None:
                handshake.enter_context(self._sandbox.clock.in_flight(f"WebSocket {scope['path']}"))
                connection.answered = handshake.close
                connection.date = self._now
            await answer(scope, receive, send)

    async def _choose(self, scope: Scope) -> Application:
        resolved = resolve(scope, self._sandbox.settings.region)
        service = await self._service(scope, resolved)
        if service is not None:
            signed: Application = self._signing.before(service)
            return signed if _is_api(service) else service
        if resolved.address.host in MODEL_HOSTS:
            return self._model
        if bedrock.means_runtime(resolved):
            _redirect(scope, resolved.raw_path)
            region = self._sandbox.settings.region
            return bedrock.runtime(self._model, resolved, region, self._signing.before)
        raw = resolved.raw_path
        if raw == MODEL_PREFIX or raw.startswith(MODEL_PREFIX + b"/"):
            _redirect(scope, raw[len(MODEL_PREFIX) :] or b"/")
            return self._model
        if _is_own_page(resolved, scope):
            return self._admin
        if scope["type"] == "websocket":
            return _no_websocket
        control: Application = self._signing.before(self._sandbox.control)
        return control

    async def _service(self, scope: Scope, resolved: Resolved) -> Service | None:
        """The service that claims the address; of those that share a host the one that owns the id."""
        first: tuple[Service, Mapping[str, str]] | None = None
        for service, parameters in self._sandbox.services.asked(resolved.address):
            first = first or (service, parameters)
            if not _shares_host(service) or await service.owns(parameters["api_id"]):
                first = (service, parameters)
                break
        if first is None:
            return None
        _redirect(scope, resolved.raw_path)
        scope["aws"] = first[1]
        return first[0]

    def refusal(self, scope: Scope) -> Refusal | None:
        """Of whom a request is for, when only a part of its head came."""
        try:
            address = resolve(scope, self._sandbox.settings.region).address
        except AwsError:
            return None
        for service, parameters in self._sandbox.services.asked(address):
            return service.refusal(parameters) if isinstance(service, Impatient) else None
        return None

    def _with_date(self, send: Send) -> Send:
        """Add ``Date``, by the sandbox's clock, to an answer that has none (RFC 9110 section 6.6.1)."""

        async def dated(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if not any(name.lower() == b"date" for name, _ in headers):
                    headers.append((b"date", self._now()))
                message = {**message, "headers": headers}
            await send(message)

        return dated

    def _now(self) -> bytes:
        second = int(self._sandbox.clock.epoch())
        if second != self._date[0]:
            self._date = (second, formatdate(second, usegmt=True).encode())
        return self._date[1]


def _shares_host(service: Service) -> TypeGuard[SharesHost]:
    return _kind_shares_host(type(service))


@cache
def _kind_shares_host(kind: type[Service]) -> bool:
    return issubclass(kind, SharesHost)  # a look at a protocol is dear, and asked for at every request


def _is_api(service: Service) -> bool:
    """Whether the service is part of an AWS API (its callers sign) and not an address of the user's own."""
    return service.name == "lambda"


def _is_own_page(resolved: Resolved, scope: Scope) -> bool:
    path = resolved.address.path
    if path == ADMIN_PREFIX or path.startswith(ADMIN_PREFIX + "/"):
        return True
    signed = "authorization" in resolved.address.headers or "X-Amz-Signature=" in resolved.address.query
    local = resolved.address.host in ("localhost", "127.0.0.1", "::1")
    return path == "/" and local and scope.get("method") == "GET" and not signed


def _redirect(scope: Scope, raw_path: bytes) -> None:
    if raw_path != scope.get("raw_path"):
        scope.setdefault("sent_raw_path", scope.get("raw_path"))  # what the client signed
    scope["raw_path"] = raw_path
    scope["path"] = unquote_to_bytes(raw_path).decode("utf-8", "replace")


async def _no_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a WebSocket that nobody claims: closing before accepting is HTTP 403."""
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": ""})
