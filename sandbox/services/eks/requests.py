"""Requests to the Kubernetes API of a cluster: who asks, what for, and the answer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import yaml

from sandbox.context import Receive, Sandbox, Scope, Send
from sandbox.services.eks.api import Api, Place, place
from sandbox.services.eks.cluster import Cluster
from sandbox.services.eks.kinds import discovery
from sandbox.services.eks.logs import Logs
from sandbox.services.eks.status import StatusError, bad_request
from sandbox.services.eks.token import UnauthorizedError, caller

_log = logging.getLogger(__name__)


class Requests:
    """Answers for all clusters of a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._logs = Logs(sandbox)

    async def answer(self, cluster: Cluster | None, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; ``None`` when there is no such cluster."""
        try:
            status, document = await self._answer(cluster, scope, receive)
        except StatusError as error:
            status, document = error.code, error.document
        if isinstance(document, AsyncIterator):
            await _stream(scope, receive, send, document)
        else:
            await _send(send, status, document)

    async def _answer(self, cluster: Cluster | None, scope: Scope, receive: Receive) -> tuple[int, Any]:
        if cluster is None:
            raise StatusError(404, "NotFound", f"there is no cluster {scope['aws']['id']}")
        path: str = scope["path"]
        if path in ("/healthz", "/readyz", "/livez"):
            return 200, "ok"
        if path == "/version":
            return 200, _version(cluster.record.info["version"])
        await self._authenticate(scope, cluster)
        found = discovery(path)
        if found is not None and scope["method"] == "GET":
            return 200, found
        if not path.startswith(("/api/", "/apis/")):
            raise StatusError(404, "NotFound", "the server could not find the requested resource")
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        where = place(path)
        if where.sub == "log":
            return 200, self._logs.read(cluster, where, query)
        return await _verb(cluster.api, where, query, scope, receive)

    async def _authenticate(self, scope: Scope, cluster: Cluster) -> None:
        headers = dict(scope["headers"])
        try:
            sent = headers.get(b"authorization", b"").decode("latin-1")
            await caller(self._sandbox, sent, cluster.record.name)
        except UnauthorizedError as error:
            _log.info("Kubernetes API of %s: %s", cluster.record.name, error)
            self._sandbox.timeline.record("eks", "unauthorized", cluster.record.name, reason=str(error))
            raise StatusError(401, "Unauthorized", "Unauthorized") from error


async def _verb(
    api: Api, where: Place, query: Mapping[str, str], scope: Scope, receive: Receive
) -> tuple[int, Any]:
    method, dry = scope["method"], query.get("dryRun") == "All"
    if method == "GET" and query.get("watch") in ("1", "true", "True"):
        return 200, api.watch(where, query)
    if method == "GET":
        return 200, api.get(where) if where.name else api.listed(where, query)
    content_type = dict(scope["headers"]).get(b"content-type", b"application/json").decode("latin-1")
    given = _read(await _body(receive), content_type)
    if method == "POST" and not where.name:
        return 201, api.create(where, given, dry)
    if method == "PUT" and where.name:
        return 200, api.replace(where, given, dry)
    if method == "PATCH" and where.name:
        return 200, api.patch(where, given, content_type, dry)
    if method == "DELETE":
        options = {**_options(query), **(given or {})}
        return 200, api.delete(where, options) if where.name else api.delete_all(where, query, options)
    raise StatusError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
    )


def _options(query: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if query.get("gracePeriodSeconds", "").isdigit():
        made["gracePeriodSeconds"] = int(query["gracePeriodSeconds"])
    if "propagationPolicy" in query:
        made["propagationPolicy"] = query["propagationPolicy"]
    return made


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _read(body: bytes, content_type: str) -> Any:
    """A document in JSON or YAML. Raises :class:`StatusError`."""
    if "protobuf" in content_type:
        raise StatusError(415, "UnsupportedMediaType", "the sandbox reads JSON and YAML, not protobuf")
    try:
        read = (yaml.safe_load(body) if "yaml" in content_type else json.loads(body)) if body.strip() else {}
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"the body cannot be read: {error}") from error
    if not isinstance(read, dict | list):
        raise bad_request("the body is no object")
    return read


async def _send(send: Send, status: int, document: Any) -> None:
    text = isinstance(document, str)
    body = document.encode() if text else json.dumps(document).encode()
    kind = b"text/plain; charset=utf-8" if text else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(scope: Scope, receive: Receive, send: Send, parts: AsyncIterator[bytes]) -> None:
    """Lines as they come, until the client has gone. Nobody's waiting for news makes time move."""
    idle: Callable[[], None] = scope.get("idle", lambda: None)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
    )
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    idle()

    async def pour() -> None:
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    work = [asyncio.ensure_future(pour()), asyncio.ensure_future(gone())]
    try:
        await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in work:
            one.cancel()
        await asyncio.gather(*work, return_exceptions=True)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _version(version: str) -> dict[str, str]:
    major, _, minor = version.partition(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{version}.0-eks-sandbox",
        "platform": "linux/amd64",
    }
