"""The sandbox as its parts see it: clock, limits, timeline, control plane, and how to reach another service.

A service never imports another one. It is given a :class:`Sandbox` and asks that: ``invoke`` runs a Lambda
function, ``control.call`` calls an AWS API.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from sandbox.anomalies import Anomalies
from sandbox.aws.ids import IdSource
from sandbox.clock import Clock
from sandbox.limits import Limits
from sandbox.planes import Services
from sandbox.timeline import Timeline

if TYPE_CHECKING:
    from sandbox.auth.credentials import Credential
    from sandbox.control.app_runner import Applications
    from sandbox.control.ecs import Containers
    from sandbox.control.eks import Clusters
    from sandbox.control.elbv2 import LoadBalancing
    from sandbox.control.event_sources import EventSources
    from sandbox.control.resources import Resources
    from sandbox.control.user_pools import UserPools

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

InvocationType = Literal["RequestResponse", "Event", "DryRun"]


class ConnectionAbort(Exception):  # noqa: N818 - an outcome that the service wants, not a failure of it
    """Raised by a service after the first byte: end the answer without its regular end.

    HTTP/1.1: the connection is closed without the last chunk. HTTP/2: the stream is reset.
    """


@dataclass(frozen=True, slots=True)
class Frame:
    """A WebSocket frame as the client sent it (RFC 6455, 5.2), unmasked.

    A message is a ``text`` or ``binary`` frame and, while ``fin`` is false, ``continuation`` frames after it.
    """

    opcode: Literal["text", "binary", "continuation", "ping", "pong"]
    data: bytes
    fin: bool = True


class WebSocketDisconnect(Exception):  # noqa: N818 - an outcome, not a failure
    """A WebSocket is closed. ``code``: of the first close frame; 1005 for one without a code, 1006 without any frame.

    ``by``: whose close frame, or whose leaving, it was. ``detail``: what rule of the protocol a client broke.
    """

    def __init__(self, code: int, reason: str, by: Literal["client", "server"], detail: str = "") -> None:
        super().__init__(f"closed by the {by}: {code} {reason or detail}".rstrip())
        self.code = code
        self.reason = reason
        self.by = by
        self.detail = detail


class WebSocket(Protocol):
    """A client's WebSocket, in ``scope["websocket"]`` of an ASGI scope of type ``websocket``: frames in, frames out.

    The front has checked the handshake (RFC 6455, 4.2.1) and answers pings; text is UTF-8. A service calls
    :meth:`accept` or :meth:`reject` first. Virtual time may move until it did; later only while work is in flight, so
    a service that handles a message uses ``Sandbox.spawn`` or ``Clock.in_flight``. Extensions are never agreed on.
    """

    async def accept(
        self,
        subprotocol: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        *,
        max_frame: int | None = None,
        max_message: int | None = 2**20,
    ) -> None:
        """Answer 101. A frame or message with more bytes closes the connection with 1009, before it was read."""
        ...

    async def reject(self, status: int, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> None:
        """Answer with another status and close."""
        ...

    def take_over(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Leave the connection to ``protocol``, bytes for bytes; the handshake is then answered by whoever did this.

        Instead of :meth:`accept`; the service runs until the connection is over.
        """
        ...

    async def receive(self) -> Frame:
        """The next frame, pings and pongs too. Raises :class:`WebSocketDisconnect`, also after :meth:`close`."""
        ...

    def send(self, data: str | bytes) -> None:
        """Send a text or a binary message in one frame, now; nothing happens when the connection is closed."""
        ...

    @property
    def buffered(self) -> int:
        """Bytes that were sent and that the client's side does not take yet."""
        ...

    async def drain(self) -> None:
        """Wait while more is buffered than should be. Raises :class:`WebSocketDisconnect`."""
        ...

    def close(self, code: int = 1000, reason: str = "", *, hang_up: bool = False) -> None:
        """Send a close frame; the second time nothing happens. ``hang_up``: end the stream, too, unanswered."""
        ...

    @property
    def closed(self) -> bool:
        """Whether either side has begun to close."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user chose when starting the sandbox."""

    host: str = "127.0.0.1"
    port: int = 4566
    region: str = "us-east-1"
    account: str = "000000000000"
    seed: int = 0
    data_dir: Path = Path(".sandbox")
    openai_base_url: str | None = None  # None: the mock model on the sandbox's own port
    localstack_url: str | None = None  # None: moto alone is the control plane's backend
    tasks: Literal["process", "docker"] = "process"  # what containers of ECS are


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request wants to go, after the front has undone host style and path style.

    ``host``: the Host header without its port, lower case. ``path``: the path as sent (still percent-encoded),
    without the sandbox's path-style prefix. ``match`` of a service turns it into its own parameters.
    """

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]


class Service(Protocol):
    """A data plane: an ASGI application for the addresses that it claims.

    The front puts what ``match`` returned into ``scope["aws"]`` and the undone path into ``scope["path"]`` and
    ``scope["raw_path"]``. What a client signed is the path that it sent: ``scope["sent_raw_path"]``, when another.
    ``scope["sent_headers"]``, when there, are the headers with their names in the client's own case, which a Lambda
    event of a REST API keeps (ASGI's are in lower case). ``scope["websocket"]`` of a WebSocket is a
    :class:`WebSocket`, for services that want frames; ASGI's own messages work as well.
    """

    name: str

    def match(self, address: Address) -> Mapping[str, str] | None:
        """Parameters when this service answers at the address, else ``None``. No I/O here."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@runtime_checkable
class SharesHost(Protocol):
    """A service whose host name other services have too: REST, HTTP and WebSocket APIs are all ``execute-api``.

    The front asks those that matched one after the other; when none owns the id the first of them answers.
    """

    async def owns(self, api_id: str) -> bool:
        """Whether the id is one of this service's own."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a client is told that stops in the middle of a request's head, after so many seconds without a byte.

    ``answer``: called then; gives status, its words, headers and body.
    """

    after: float
    answer: Callable[[], tuple[int, str, Sequence[tuple[str, str]], bytes]]


@runtime_checkable
class Impatient(Protocol):
    """A service that does not wait for ever for the rest of a request's head."""

    def refusal(self, parameters: Mapping[str, str]) -> Refusal | None:
        """For an address that it matched, with the parameters of that; ``None``: it waits."""
        ...


@runtime_checkable
class IotDataPlane(Protocol):
    """The message broker behind ``iot-data``."""

    async def data(
        self, operation: str, params: Mapping[str, Any], access_key: str | None
    ) -> dict[str, Any] | None:
        """Carry out an operation by botocore's names for whoever has the key; ``None``: the sandbox itself asks.

        Raises ``AwsError``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of a Lambda function. ``function``: name, partial or full ARN, may carry ``:qualifier``."""

    function: str
    payload: bytes
    type: InvocationType = "RequestResponse"
    qualifier: str | None = None
    log_tail: bool = False
    client_context: str | None = None  # base64 JSON as in X-Amz-Client-Context
    trace_id: str | None = None
    cause: str = ""  # id of the hop that calls, for the timeline
    request_id: str | None = (
        None  # the invocation's id when the caller chose it (a Function URL), else a new one
    )


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """What a buffered invocation gave. ``status``: 200, 202 (Event) or 204 (DryRun)."""

    status: int
    payload: bytes
    function_error: str | None  # "Unhandled" (or "Handled"), as X-Amz-Function-Error
    executed_version: str
    request_id: str
    log_tail: str | None = None  # base64 of the last 4 KB of the log


@dataclass(frozen=True, slots=True)
class InvokeComplete:
    """The last event of a streamed invocation; all ``None`` when it went well."""

    error_code: str | None = None
    error_details: str | None = None
    log_tail: str | None = None


class StreamedInvocation(Protocol):
    """A streamed invocation under way.

    ``started`` is done once the first byte or the end came: ``content_type`` is then known. Iterating gives
    payload chunks as the function writes them; after the last one ``complete`` says how it ended. Leaving the
    iterator early does not stop the function (it runs on and is billed).
    """

    request_id: str
    executed_version: str
    content_type: str

    async def started(self) -> None: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    @property
    def complete(self) -> InvokeComplete | None: ...


class LambdaInvoker(Protocol):
    """What the Lambda service offers to the others. Both raise ``AwsError`` (404, 429, 413, ...)."""

    async def invoke(self, invocation: Invocation) -> InvocationResult: ...

    async def invoke_stream(self, invocation: Invocation) -> StreamedInvocation: ...


class Control(Protocol):
    """The control plane: AWS's management APIs and a typed reading of what they created."""

    @property
    def resources(self) -> Resources: ...

    async def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """Call an AWS API by its botocore names: ``call("sqs", "SendMessage", QueueUrl=..., ...)``.

        Raises ``AwsError``.
        """
        ...

    async def secret_for(self, access_key: str) -> Credential | None:
        """What belongs to an access key, for verifying a signature; ``None`` for an unknown one."""
        ...

    async def role_credentials(self, role_arn: str, session: str = "lambda") -> tuple[str, str, str]:
        """Access key, secret key and session token of a new session of a role, for a service that assumes it."""
        ...

    @property
    def user_pools(self) -> UserPools:
        """Cognito's user pools behind their hosted domains."""
        ...

    @property
    def load_balancing(self) -> LoadBalancing:
        """Load balancers, their rules and target groups, as they are now."""
        ...

    @property
    def applications(self) -> Applications:
        """App Runner's services, as they are wanted and as they are."""
        ...

    @property
    def clusters(self) -> Clusters:
        """EKS's clusters, as they are now."""
        ...

    @property
    def containers(self) -> Containers:
        """ECS's services and tasks, as they are wanted and as they are."""
        ...

    @property
    def event_sources(self) -> EventSources:
        """Event source mappings and the queues that they read."""
        ...

    async def issuer_keys(self, issuer: str) -> Sequence[Mapping[str, Any]] | None:
        """The public keys (JWKs) of a user pool by its issuer's address; ``None`` for another issuer."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: any AWS management request."""
        ...


class Model(Protocol):
    """The mock model as the sandbox holds it: an ASGI application whose pace can be set."""

    def configure(self, **pace: Any) -> None:
        """Set the pace of later answers. Raises ``ValueError`` that says what is wrong."""
        ...

    def reset(self) -> None:
        """Forget what was told, and what clients did."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


@dataclass(slots=True)
class Sandbox:
    """Everything that a part of the sandbox may use."""

    settings: Settings
    clock: Clock
    limits: Limits
    timeline: Timeline
    ids: IdSource
    control: Control = field(init=False)
    lambda_: LambdaInvoker = field(init=False)
    model: Model = field(init=False)
    services: Services = field(default_factory=Services)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    shared: dict[str, Any] = field(default_factory=dict)  # what services have in common; a reset empties it
    anomalies: Anomalies = field(init=False)
    # Listen on one more address, on the same port; what it gives ends that. Raises ``OSError``.
    listen: Callable[[str], Callable[[], None]] = field(init=False)

    def __post_init__(self) -> None:
        self.anomalies = Anomalies(self.clock, self.settings.seed)

    @property
    def endpoint(self) -> str:
        """The sandbox's address for programs on this machine."""
        return f"http://127.0.0.1:{self.settings.port}"

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """Run a Lambda function and give its whole answer."""
        return await self.lambda_.invoke(invocation)

    async def invoke_stream(self, invocation: Invocation) -> StreamedInvocation:
        """Run a Lambda function and give its answer as it is written."""
        return await self.lambda_.invoke_stream(invocation)

    def spawn(self, work: Awaitable[Any], what: str) -> asyncio.Task[Any]:
        """Run work in the background that outlives the request; time may move while it runs."""

        async def body() -> Any:
            with self.clock.in_flight(what):
                return await work

        task = asyncio.get_running_loop().create_task(body(), name=what)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if asyncio.iscoroutine(work):  # when the task is cancelled before it began, nobody has awaited this
            task.add_done_callback(lambda _: work.close())
        return task
