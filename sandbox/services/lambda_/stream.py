"""A streamed invocation as its caller sees it."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator

from sandbox.context import InvokeComplete
from sandbox.services.lambda_.invoker import Job


class Stream:
    """Implements ``StreamedInvocation``."""

    def __init__(self, job: Job, log_tail: bool) -> None:
        self.request_id = job.execution.request_id
        self.executed_version = job.function.version
        self.content_type = ""  # as the function gave it, once the stream has started
        self._job = job
        self._log_tail = log_tail
        self._complete: InvokeComplete | None = None
        weakref.finalize(self, job.execution.channel.abandon)  # never read: the function does not wait for it

    async def started(self) -> None:
        channel = self._job.execution.channel
        await channel.started()
        self.content_type = channel.content_type

    @property
    def complete(self) -> InvokeComplete | None:
        return self._complete

    async def __aiter__(self) -> AsyncIterator[bytes]:
        channel = self._job.execution.channel
        try:
            async for chunk in channel.chunks():
                yield chunk
            if self._log_tail:
                await self._job.finished.wait()
            fault = channel.fault
            self._complete = InvokeComplete(
                fault.code if fault else None,
                fault.details if fault else None,
                self._job.log_tail if self._log_tail else None,
            )
        finally:
            channel.abandon()  # no effect once all was read
