"""AWS API calls from inside: botocore writes the request and reads the answer, nothing goes over a socket.

A client of botocore is used up to the point where it would send (its ``before-call`` event), so parameters are
validated and shaped as for any user. Then the dispatcher is asked, on the loop, and botocore's parser reads the
answer. No thread waits, so a long poll costs nothing.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sandbox.aws.errors import AwsError
from sandbox.context import Settings
from sandbox.control.message import Request, Response
from sandbox.control.target import Target

Handle = Callable[[Target, Request], Awaitable[Response]]


class _Written(Exception):  # noqa: N818 - not an error: how the finished request leaves botocore
    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__()
        self.request = request


class Caller:
    """Calls by botocore's names. ``handle`` answers a request for a service."""

    def __init__(self, settings: Settings, handle: Handle) -> None:
        self._handle = handle
        self._host = f"localhost:{settings.port}"

    async def call(self, service: str, operation: str, params: dict[str, Any], region: str) -> dict[str, Any]:
        """The parsed answer, with ``ResponseMetadata``. Raises ``AwsError``.

        Wrong parameters give botocore's own ``ParamValidationError``; a service or an operation that does not
        exist is a ``ValueError``.
        """
        client = _clients.get((service, region))
        if client is None:
            client = await asyncio.to_thread(_client, service, region)
        method = client.methods.get(operation)
        if method is None:
            raise ValueError(f"{service} has no operation {operation!r}.")
        try:
            method(**params)
        except _Written as written:
            wire = written.request
        answer = await self._handle(Target(service, region), _http(wire, self._host, operation))
        return client.read(operation, answer)


class _Client:
    """A client of botocore, its methods by the API's names, and what reads its service's answers."""

    def __init__(self, client: Any) -> None:
        from botocore.parsers import ResponseParserFactory

        factory = ResponseParserFactory()
        factory.set_parser_defaults(timestamp_parser=_timestamp)
        names = client.meta.method_to_api_mapping
        self.methods: dict[str, Callable[..., Any]] = {
            api: getattr(client, python) for python, api in names.items()
        }
        self._model: Any = client.meta.service_model
        self._parser: Any = factory.create_parser(self._model.resolved_protocol)
        self._events: Any = client.meta.events

    def read(self, operation: str, answer: Response) -> dict[str, Any]:
        model = self._model.operation_model(operation)
        headers = {name.lower(): value for name, value in answer.headers}
        raw: dict[str, Any] = {"status_code": answer.status, "headers": headers, "body": answer.body}
        if answer.status < 300 and model.has_streaming_output:
            raw["body"] = _Body(answer.body)
        parsed: dict[str, Any] = self._parser.parse(raw, model.output_shape)
        if answer.status >= 300:
            raise _error(parsed, answer)
        event = f"after-call.{self._model.service_id.hyphenize()}.{operation}"
        self._events.emit(event, http_response=None, parsed=parsed, model=model, context={})
        return parsed


def _timestamp(value: Any) -> datetime:
    """botocore's reading of a time; what is in the usual form needs not all of its trials."""
    from botocore.utils import parse_timestamp

    if isinstance(value, str) and value.endswith("Z"):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    found: datetime = parse_timestamp(value)
    return found


class _Body:
    """A streaming payload, at hand: reads like botocore's ``StreamingBody``. No ``bytes``, which botocore would
    take for text."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content

    def __bytes__(self) -> bytes:
        return self._content


# Making a client reads the service's whole model (50 to 800 ms): once a process, not once a sandbox.
_clients: dict[tuple[str, str], _Client] = {}
_making = threading.Lock()


def _client(service: str, region: str) -> _Client:
    with _making:  # two first calls at once make one client; a botocore session is for one thread
        if (service, region) not in _clients:
            _clients[service, region] = _make(service, region)
        return _clients[service, region]


def warm(services: Iterable[str], region: str) -> None:
    """Make clients before there is a sandbox."""
    for service in services:
        _client(service, region)


def _make(service: str, region: str) -> _Client:
    from botocore import UNSIGNED
    from botocore.config import Config

    client = _session().create_client(
        service,
        region_name=region,
        endpoint_url="http://localhost",
        # A user agent of our own: botocore's takes as long to put together as the rest of a request.
        config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, user_agent="sandbox"),
    )
    client.meta.events.register_last("before-call.*.*", _stop)
    if not service.startswith("s3"):  # whose rules also shape the path; the others' host is not looked at
        client._ruleset_resolver = None
    return _Client(client)


@functools.cache
def _session() -> Any:
    from sandbox.aws.session import bare_session

    return bare_session()


def _stop(params: dict[str, Any], **_: Any) -> None:
    raise _Written(params)


def _http(wire: dict[str, Any], own_host: str, operation: str) -> Request:
    """The request as botocore's ``AWSRequest`` would be sent."""
    _, _, rest = wire["url"].partition("://")
    _, slash, path = rest.partition("/")
    path, _, query = (slash + path).partition("?")
    body = wire["body"]
    if isinstance(body, dict):
        body = urlencode(body, doseq=True)
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    body = bytes(body or b"")
    headers = [
        (str(name), value.decode("latin-1") if isinstance(value, bytes) else str(value))
        for name, value in wire["headers"].items()
    ]
    if wire["method"] not in ("GET", "HEAD", "OPTIONS"):
        headers.append(("Content-Length", str(len(body))))
    return Request(wire["method"], own_host, path or "/", query, tuple(headers), body, operation=operation)


def _error(parsed: dict[str, Any], answer: Response) -> AwsError:
    error = dict(parsed.get("Error", {}))
    code, message = str(error.pop("Code", "Unknown")), str(error.pop("Message", ""))
    fields = {key: value for key, value in parsed.items() if key not in ("Error", "ResponseMetadata")}
    return AwsError(answer.status, code, message, fields={**error, **fields})
