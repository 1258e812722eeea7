"""The Lambda service: what the others may call, and which addresses it claims."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from sandbox.context import (
    Address,
    Invocation,
    InvocationResult,
    Receive,
    Sandbox,
    Scope,
    Send,
    StreamedInvocation,
)
from sandbox.services.lambda_ import errors
from sandbox.services.lambda_.api import InvokeApi
from sandbox.services.lambda_.asynchronous import EventQueue
from sandbox.services.lambda_.invoker import Invoker, Job
from sandbox.services.lambda_.payloads import check_payload
from sandbox.services.lambda_.pool import Pool
from sandbox.services.lambda_.stream import Stream

_PATHS = (
    ("invoke", re.compile(r"/2015-03-31/functions/(?P<function>[^/]+)/invocations")),
    ("invoke_async", re.compile(r"/2014-11-13/functions/(?P<function>[^/]+)/invoke-async/?")),
    (
        "invoke_stream",
        re.compile(r"/2021-11-15/functions/(?P<function>[^/]+)/response-streaming-invocations"),
    ),
)


class LambdaService:
    """Lambda's data plane: a ``Service`` for the Invoke APIs and the ``LambdaInvoker`` of the sandbox."""

    name = "lambda"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._pool = Pool(sandbox)
        self._invoker = Invoker(sandbox, self._pool)
        self._events = EventQueue(sandbox, self.invoke, self._invoker.find)
        self._api = InvokeApi(sandbox, self)

    # -- Service -----------------------------------------------------------------------------------

    def match(self, address: Address) -> Mapping[str, str] | None:
        if address.method != "POST":
            return None
        for operation, pattern in _PATHS:
            if found := pattern.fullmatch(address.path):
                return {"operation": operation, "function": unquote(found["function"])}
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._api(scope, receive, send)

    async def start(self) -> None:
        """Nothing runs until a function is invoked."""

    async def stop(self) -> None:
        await self._pool.stop()

    # -- LambdaInvoker -----------------------------------------------------------------------------

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """Run a function and give its whole answer; 202 or 204 at once for the other invocation types."""
        function = await self._invoker.find(invocation)
        check_payload(self._sandbox.limits, invocation)
        if invocation.type == "DryRun":
            return InvocationResult(204, b"", None, function.version, self._sandbox.ids.uuid())
        if invocation.type == "Event":
            await self._pool.runtime(
                function
            )  # what cannot run here says so at once, not only in the timeline
            return InvocationResult(202, b"", None, function.version, self._events.put(invocation))
        job = await self._invoker.admit(invocation, function, streamed=False)
        self._start(job)
        try:
            payload = await job.execution.channel.read_all()
            if invocation.log_tail:
                await job.finished.wait()
        finally:
            job.execution.channel.abandon()  # no effect once all was read; the function runs on without its caller
        fault = job.execution.channel.fault
        return InvocationResult(
            200,
            fault.payload if fault else payload,
            fault.code if fault else None,
            function.version,
            job.execution.request_id,
            job.log_tail if invocation.log_tail else None,
        )

    async def invoke_stream(self, invocation: Invocation) -> StreamedInvocation:
        """Run a function and give its answer as it is written."""
        function = await self._invoker.find(invocation)
        check_payload(self._sandbox.limits, invocation)
        if not self._sandbox.limits.available("lambda.stream.available"):
            raise errors.not_yet("response streaming", self._sandbox.limits.as_of)
        job = await self._invoker.admit(invocation, function, streamed=True)
        self._start(job)
        return Stream(job, invocation.log_tail)

    def _start(self, job: Job) -> None:
        self._sandbox.spawn(self._invoker.run(job), f"invocation {job.execution.request_id}")
