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
from typing import Any

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
        client: Any = _clients.get((service, region)) or await asyncio.to_thread(_client, service, region)
        method = client.meta.method_to_api_mapping
        python_name = next((name for name, api in method.items() if api == operation), None)
        if python_name is None:
            raise ValueError(f"{service} has no operation {operation!r}.")
        try:
            getattr(client, python_name)(**params)
        except _Written as written:
            wire = written.request
        answer = await self._handle(Target(service, region), _http(wire, self._host))
        return self._parse(client, operation, answer)

    def _parse(self, client: Any, operation: str, answer: Response) -> dict[str, Any]:
        from botocore.parsers import create_parser

        model = client.meta.service_model.operation_model(operation)
        protocol = client.meta.service_model.resolved_protocol
        headers = {name.lower(): value for name, value in answer.headers}
        raw: dict[str, Any] = {"status_code": answer.status, "headers": headers, "body": answer.body}
        if answer.status < 300 and model.has_streaming_output:
            raw["body"] = _Body(answer.body)
        parsed: dict[str, Any] = create_parser(protocol).parse(raw, model.output_shape)
        if answer.status >= 300:
            raise _error(parsed, answer)
        service_id = client.meta.service_model.service_id.hyphenize()
        client.meta.events.emit(
            f"after-call.{service_id}.{operation}", http_response=None, parsed=parsed, model=model, context={}
        )
        return parsed


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
_clients: dict[tuple[str, str], Any] = {}
_making = threading.Lock()


def _client(service: str, region: str) -> Any:
    with _making:  # two first calls at once make one client; a botocore session is for one thread
        if (service, region) not in _clients:
            _clients[service, region] = _make(service, region)
        return _clients[service, region]


def warm(services: Iterable[str], region: str) -> None:
    """Make clients before there is a sandbox."""
    for service in services:
        _client(service, region)


def _make(service: str, region: str) -> Any:
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
    return client


@functools.cache
def _session() -> Any:
    from sandbox.aws.session import bare_session

    return bare_session()


def _stop(params: dict[str, Any], **_: Any) -> None:
    raise _Written(params)


def _http(wire: dict[str, Any], own_host: str) -> Request:
    from botocore.awsrequest import create_request_object

    prepared = create_request_object(wire).prepare()
    _, _, rest = prepared.url.partition("://")
    _, slash, path = rest.partition("/")
    path, _, query = (slash + path).partition("?")
    body = prepared.body
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    headers = tuple(
        (str(name), value.decode("latin-1") if isinstance(value, bytes) else str(value))
        for name, value in prepared.headers.items()
    )
    return Request(prepared.method, own_host, path or "/", query, headers, bytes(body or b""))


def _error(parsed: dict[str, Any], answer: Response) -> AwsError:
    error = dict(parsed.get("Error", {}))
    code, message = str(error.pop("Code", "Unknown")), str(error.pop("Message", ""))
    fields = {key: value for key, value in parsed.items() if key not in ("Error", "ResponseMetadata")}
    return AwsError(answer.status, code, message, fields={**error, **fields})
