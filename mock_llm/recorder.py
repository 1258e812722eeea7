"""A proxy that records: requests go on to a real API, answers come back as they come and are kept with their timing.

What is kept is what :mod:`mock_llm.recording` keeps: no secrets, of the request its method, path and model.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from mock_llm.captures import api_of
from mock_llm.pace import SECOND
from mock_llm.recording import record, save_recording
from mock_llm.wire import ClientGoneError, Exchange, Headers, Receive, RefusedError, Scope, Send, exchange

# Of the connection and not of the message (RFC 9110 section 7.6.1), or the server's own to say.
HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer")
) | {
    *("transfer-encoding", "upgrade", "host", "content-length", "accept-encoding"),
}
LARGEST = 32 * 1024 * 1024
Told = Callable[[str], None]


class Recorder:
    """An ASGI application before an API at ``upstream`` (``https://api.openai.com``).

    Recordings are written to ``folder`` as ``001-openai.chat.jsonl`` and so on; ``told`` hears of each one.
    Nothing is recorded of paths that belong to no API that the mock model speaks, nor of answers whose client went
    away. ``transport``: for tests, how to reach the API.
    """

    def __init__(
        self,
        upstream: str,
        folder: Path,
        told: Told = print,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.upstream = httpx.URL(upstream)
        self.folder = folder
        self._told = told
        self._client = httpx.AsyncClient(timeout=None, trust_env=False, transport=transport)
        self._count = max((int(path.name[:3]) for path in folder.glob("[0-9][0-9][0-9]-*.jsonl")), default=0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        asked = exchange(scope, receive, send)
        try:
            body = await asked.body(LARGEST)
            await self._relay(asked, body)
        except ClientGoneError:
            return
        except RefusedError as refusal:
            await asked.respond_json(refusal.status, {"error": {"message": refusal.message}})

    async def close(self) -> None:
        """Close the connections to the API."""
        await self._client.aclose()

    async def _relay(self, asked: Exchange, body: bytes) -> None:
        request = self._client.build_request(
            asked.method,
            self._url(asked),
            content=body,
            # What is recorded is to be read again, and not to be unpacked.
            headers=[*_passed(asked.scope["headers"]), (b"accept-encoding", b"identity")],
        )
        began = asked.loop.time()
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise RefusedError(502, f"{self.upstream} cannot be reached: {error!r}") from None
        frames: list[tuple[int, bytes]] = []
        reset, gone = False, asyncio.ensure_future(_gone(asked))
        try:
            await asked.start(answer.status_code, _passed(answer.headers.raw))
            async for part in answer.aiter_raw():
                if gone.done():
                    return
                frames.append((round((asked.loop.time() - began) * SECOND), part))
                await asked.send({"type": "http.response.body", "body": part, "more_body": True})
        except httpx.TransportError:
            reset = True
        finally:
            gone.cancel()
            await answer.aclose()
        end = round((asked.loop.time() - began) * SECOND)
        self._keep(asked, body, answer, frames, end, reset)
        if reset:
            asked.reset()
        else:
            await asked.send({"type": "http.response.body", "body": b""})

    def _url(self, asked: Exchange) -> httpx.URL:
        raw = bytes(asked.scope.get("raw_path") or asked.path.encode())
        query = bytes(asked.scope.get("query_string") or b"")
        prefix = self.upstream.raw_path.rstrip(b"/")
        return self.upstream.copy_with(raw_path=prefix + raw + (b"?" + query if query else b""))

    def _keep(
        self,
        asked: Exchange,
        body: bytes,
        answer: httpx.Response,
        frames: list[tuple[int, bytes]],
        end: int,
        reset: bool,
    ) -> None:
        api = api_of(asked.path)
        if api is None:
            self._told(f"{asked.method} {asked.path}: {answer.status_code}, of no API that can be replayed")
            return
        recording = record(
            api,
            frames,
            headers=dict(answer.headers),
            end=end,
            status=answer.status_code,
            reset=reset,
            request={"method": asked.method, "path": asked.path, "model": _model(asked.path, body)},
            source=f"recorded from {self.upstream.host}",
        )
        self._count += 1
        path = self.folder / f"{self._count:03}-{api}.jsonl"
        save_recording(recording, path)
        self._told(f"{path}: {answer.status_code}, {len(frames)} frames, {end / SECOND:g} s")


async def _gone(asked: Exchange) -> None:
    while (await asked.receive())["type"] != "http.disconnect":
        pass


def _passed(headers: Any) -> Headers:
    return [(name, value) for name, value in headers if name.decode("latin-1").lower() not in HOP]


def _model(path: str, body: bytes) -> str | None:
    """The model that was asked, from the body or from Bedrock's path."""
    found = re.search(r"/model/([^/]+)/", path)
    if found:
        return found[1]
    try:
        data = json.loads(body)
    except ValueError:
        return None
    model = data.get("model") if isinstance(data, dict) else None
    return model if isinstance(model, str) else None
