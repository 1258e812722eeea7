"""The poller of one mapping: it waits for messages without a timer of its own, and keeps batches under way."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, Sandbox
from sandbox.control.event_sources import EventSource, Inbox
from sandbox.services.event_sources.filters import passes
from sandbox.services.event_sources.records import failed_ids, record
from sandbox.services.event_sources.scaling import Scaling

log = logging.getLogger(__name__)

_RECEIVE = 10  # messages of one ReceiveMessage
_NAME = "event_source"

Record = Mapping[str, Any]


@dataclass(slots=True)
class Gathering:
    """A batch that still waits for more messages, until its window ends."""

    until: float
    records: list[Record] = field(default_factory=list)
    size: int = 0


class Poller:
    """Reads one queue for one function."""

    def __init__(self, sandbox: Sandbox, source: EventSource, inbox: Inbox) -> None:
        self._sandbox = sandbox
        self._source = source
        self._inbox = inbox
        self._scaling = Scaling(sandbox.limits.value, source.max_concurrency, source.pollers)
        self._running = 0
        self._woken = asyncio.Event()
        self._gathering: Gathering | None = None
        self._task: asyncio.Task[None] | None = None
        self._flight = ExitStack()  # time may move while messages are awaited

    def start(self) -> None:
        """Poll from now on."""
        self._inbox.listen(self._wake)
        self._wake()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="poller")
        self._task.add_done_callback(_tell)

    async def stop(self) -> None:
        """Poll no more."""
        self._inbox.listen(None)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._flight.close()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            self._fill()
            self._flight.close()
            if self._gathering or self._inbox.awaited():
                self._hold()
            await self._until_woken()

    def _wake(self) -> None:
        """Look again, and be in flight until then: nobody may think that all is quiet."""
        if not self._woken.is_set():
            self._woken.set()
            self._hold()

    def _hold(self) -> None:
        """Time may move while a batch is gathered, or a message is on its way back."""
        self._flight.close()
        what = f"event source mapping {self._source.uuid}"
        self._flight.enter_context(self._sandbox.clock.in_flight(what))

    async def _until_woken(self) -> None:
        now = self._sandbox.clock.now()
        waits = [self._scaling.next_at(now), self._gathering.until if self._gathering else None]
        seconds = [at - now for at in waits if at is not None and at > now]
        back_in = self._inbox.next_change()
        if back_in is not None:
            seconds.append(back_in)
        deadline = asyncio.get_running_loop().time() + max(0.0, min(seconds)) if seconds else None
        try:
            async with asyncio.timeout_at(deadline):
                await self._woken.wait()
        except TimeoutError:
            return

    # -- batches -----------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Start as many batches as there are messages and places for."""
        while self._running < self._scaling.allowed(self._sandbox.clock.now()):
            batch = self._batch()
            if not batch:
                self._scaling.drained()
                return
            self._running += 1
            self._sandbox.spawn(self._process(batch), f"batch of {self._source.source_arn}")
        if self._inbox.ready():
            self._scaling.waiting(self._sandbox.clock.now())

    def _batch(self) -> list[Record]:
        """The next batch that is complete; empty: none is, yet."""
        now = self._sandbox.clock.now()
        batch = self._gathering or Gathering(now)
        while (room := min(self._source.batch_size - len(batch.records), self._fitting(batch))) > 0:
            found = self._take(min(room, _RECEIVE))
            if found is None:
                break
            if found and not batch.records:
                batch.until = now + self._source.window_s
            batch.records += found
            batch.size += sum(len(json.dumps(one)) for one in found)
        self._gathering = None
        if not batch.records or room <= 0 or now >= batch.until:
            return batch.records
        self._gathering = batch
        return []

    def _fitting(self, batch: Gathering) -> int:
        """Messages that an invocation takes besides, whatever their size; one fits an empty batch."""
        value = self._sandbox.limits.value
        fitting = int(value("lambda.payload.sync") - batch.size) // int(value("sqs.message"))
        return fitting if batch.records else max(1, fitting)

    def _take(self, count: int) -> list[Record] | None:
        """What one receive brings, without what is filtered out; ``None``: nothing."""
        messages = self._inbox.take(count)
        if not messages:
            return None
        records: list[Record] = [record(message, self._source.source_arn) for message in messages]
        kept = [one for one in records if passes(self._source.filters, one)]
        for one in records:
            if one not in kept:
                self._inbox.delete(one["receiptHandle"])
        return kept

    async def _process(self, batch: Sequence[Record]) -> None:
        """Invoke the function; delete what it has done. The others come back when their visibility ends."""
        batch_id = self._sandbox.ids.uuid()
        self._note("batch_invoked", batch_id, messages=len(batch))
        payload = json.dumps({"Records": batch}, ensure_ascii=False).encode()
        try:
            result = await self._sandbox.invoke(Invocation(self._source.function, payload, cause=batch_id))
            failed, why = self._failures(result.function_error, result.payload, batch)
        except AwsError as error:
            failed, why = {one["messageId"] for one in batch}, error.code
        finally:
            self._running -= 1
            self._wake()
        for one in batch:
            if one["messageId"] not in failed:
                self._inbox.delete(one["receiptHandle"])
        self._note("batch_ended", batch_id, deleted=len(batch) - len(failed), failed=len(failed), reason=why)

    def _failures(
        self, function_error: str | None, answer: bytes, batch: Sequence[Record]
    ) -> tuple[set[str], str]:
        ids = [one["messageId"] for one in batch]
        if function_error is not None:
            return set(ids), function_error
        if not self._source.partial:
            return set(), ""
        failed = failed_ids(answer, ids)
        return failed, "batchItemFailures" if failed else ""

    def _note(self, name: str, batch_id: str, **data: object) -> None:
        queue, function = (arn.rpartition(":")[2] for arn in (self._source.source_arn, self._source.function))
        self._sandbox.timeline.record(_NAME, name, batch_id, queue=queue, function=function, **data)


def _tell(ended: asyncio.Task[None]) -> None:
    """A poller ends by being cancelled only; anything else is a fault of ours that must be seen."""
    if not ended.cancelled() and (error := ended.exception()) is not None:
        log.error("The poller of an event source mapping failed", exc_info=error)
