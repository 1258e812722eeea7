"""SQS long polls on the loop's time.

moto waits in real time, in the thread that all of moto shares. So it is only ever asked for what is there now; the
wait is here, ended by the next request that may have brought a message, by the instant at which a hidden message
comes back, or by the deadline.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sandbox.context import Sandbox
from sandbox.control.message import Request, Response
from sandbox.control.moto_backend import MotoBackend
from sandbox.control.shims.call import Call, Handler


class LongPolls:
    """``ReceiveMessage``."""

    def __init__(self, sandbox: Sandbox, moto: MotoBackend) -> None:
        self._sandbox = sandbox
        self._moto = moto

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"ReceiveMessage": self.receive}

    async def receive(self, call: Call) -> Response:
        """``ReceiveMessage``: at once when there are messages, else up to ``WaitTimeSeconds`` later."""
        name = str(call.params.get("QueueUrl") or call.request.path).rstrip("/").rsplit("/", 1)[-1]
        wait_s = call.params.get("WaitTimeSeconds")
        if wait_s is None:
            wait_s = await self._moto.run(lambda: self._queue_wait(call.target.region, name))
        if not 0 <= int(wait_s) <= 20:
            return await call.moto()  # it has the error
        at_once = _without_wait(call.request)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + int(wait_s)
        with self._sandbox.clock.in_flight("sqs long poll"):
            while True:
                changed = self._moto.changed()  # before the look, so that nothing is missed
                response = await self._moto.ask(call.target, at_once, quiet=True)
                if response.status != 200 or b"ReceiptHandle" in response.body or loop.time() >= deadline:
                    return response
                visible_in = await self._moto.run(lambda: self._next_visible(call.target.region, name))
                until = deadline if visible_in is None else min(deadline, loop.time() + visible_in)
                try:
                    async with asyncio.timeout_at(until):
                        await asyncio.shield(changed)  # others wait for it too
                except TimeoutError:
                    continue

    def _queue_wait(self, region: str, name: str) -> int:
        from moto.sqs.models import sqs_backends

        queue: Any = sqs_backends[self._sandbox.settings.account][region].queues.get(name)
        return int(queue.receive_message_wait_time_seconds or 0) if queue else 0

    def _next_visible(self, region: str, name: str) -> float | None:
        """Seconds until a message that is hidden or delayed can be received; ``None`` when there is none."""
        from moto.sqs.models import sqs_backends

        queue = sqs_backends[self._sandbox.settings.account][region].queues.get(name)
        now_ms = self._sandbox.clock.epoch() * 1000
        instants = [
            max(message.visible_at or 0, message.delayed_until or 0)
            for message in (queue._messages if queue else ())
        ]
        # moto compares whole milliseconds: one more, so that the message is visible then.
        waits = [(instant - now_ms + 1) / 1000 for instant in instants if instant >= now_ms]
        return min(waits, default=None)


def _without_wait(request: Request) -> Request:
    """The same request, asking for what is there now."""
    if request.header("x-amz-target"):
        body = json.dumps({**json.loads(request.body or b"{}"), "WaitTimeSeconds": 0}).encode()
        return replace(request, body=body)
    if request.body:
        return replace(request, body=_form_without_wait(request.body.decode()).encode())
    return replace(request, query=_form_without_wait(request.query))


def _form_without_wait(form: str) -> str:
    fields = [(k, v) for k, v in parse_qsl(form, keep_blank_values=True) if k != "WaitTimeSeconds"]
    return urlencode([*fields, ("WaitTimeSeconds", "0")])
