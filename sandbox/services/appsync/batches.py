"""``BatchInvoke``: what several fields of one request ask of a function is one invocation.

Source: AppSync developer guide, "Lambda resolvers: batching". Without a size of its own a batch has at most five
(issue 51 of aws-appsync-community).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Send = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
DEFAULT_SIZE = 5


@dataclass(slots=True)
class _Open:
    """Payloads that wait to be sent together, each with who waits for its answer."""

    send: Send
    items: list[tuple[Any, asyncio.Future[Any]]] = field(default_factory=list)


class Batches:
    """The batches of one request. Fields that are resolved in the same turn of the loop share one."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def add(self, key: str, payload: Any, size: int, send: Send) -> Any:
        """The answer to a payload. ``key``: the resolver or function that asks."""
        loop = asyncio.get_running_loop()
        batch = self._open.get(key)
        if batch is None:
            batch = self._open[key] = _Open(send)
            loop.call_soon(self._close, key, batch)
        answer: asyncio.Future[Any] = loop.create_future()
        batch.items.append((payload, answer))
        if len(batch.items) >= (size or DEFAULT_SIZE):
            self._close(key, batch)
        return await answer

    def _close(self, key: str, batch: _Open) -> None:
        if self._open.get(key) is not batch:
            return  # it was full before
        del self._open[key]
        task = asyncio.get_running_loop().create_task(_send(batch), name=f"batch of {key}")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


async def _send(batch: _Open) -> None:
    try:
        answers = await batch.send([payload for payload, _ in batch.items])
    except Exception as failure:  # whoever waits gets it
        for _, waiting in batch.items:
            if not waiting.done():
                waiting.set_exception(failure)
        return
    for (_, waiting), answer in zip(batch.items, answers, strict=True):
        if waiting.done():
            continue
        if isinstance(answer, Exception):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)
