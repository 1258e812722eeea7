"""Running a function: finding it, finding it an environment, counting, timing, billing."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import Invocation, Sandbox
from sandbox.services.lambda_ import errors, faults
from sandbox.services.lambda_.channel import Bandwidth
from sandbox.services.lambda_.concurrency import Concurrency
from sandbox.services.lambda_.environment import Environment, InitTimeoutError
from sandbox.services.lambda_.execution import Execution, ResponseLimits
from sandbox.services.lambda_.faults import Fault
from sandbox.services.lambda_.logs import Report
from sandbox.services.lambda_.pool import Pool
from sandbox.services.lambda_.runtimes import RUNTIMES

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionConfig

WARM_AGAIN_S = 0.02


@dataclass(slots=True, eq=False)
class Job:
    """An admitted invocation. ``finished`` is set by running it."""

    function: FunctionConfig
    execution: Execution
    cause: str
    environment: Environment
    log_tail: str | None = None
    fault: Fault | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def answered(self) -> bool:
        """Whether its caller has the whole answer although it has not finished."""
        return self.execution.channel.closed and not self.finished.is_set()


@dataclass(frozen=True, slots=True)
class Timing:
    """How long an invocation took, in ms. ``init_ms``: of the initialization just before it."""

    duration_ms: float
    init_ms: float | None


@dataclass(frozen=True, slots=True)
class Initialization:
    """``ms``: when the first try was good; ``invoked_at``: from when on the timeout counts."""

    invoked_at: float
    ms: float | None
    fault: Fault | None


class Invoker:
    """Admits and runs invocations."""

    def __init__(self, sandbox: Sandbox, pool: Pool) -> None:
        self._sandbox = sandbox
        self._pool = pool
        self._concurrency = Concurrency(sandbox.limits, sandbox.clock.now)
        self._running: set[Job] = set()

    # -- before it runs ----------------------------------------------------------------------------

    async def find(self, invocation: Invocation) -> FunctionConfig:
        """The function version to run. Raises 404."""
        function = await self._sandbox.control.resources.function(invocation.function, invocation.qualifier)
        if function is None:
            self._pool.retire_all(_name_of(invocation.function))
            raise errors.function_not_found(self._arn(invocation))
        return function

    def _arn(self, invocation: Invocation) -> str:
        name = invocation.function
        settings = self._sandbox.settings
        if not name.startswith("arn:"):
            name = (
                f"arn:aws:lambda:{settings.region}:{settings.account}:function:{name.split(':function:')[-1]}"
            )
        return f"{name}:{invocation.qualifier}" if invocation.qualifier else name

    async def admit(self, invocation: Invocation, function: FunctionConfig, streamed: bool) -> Job:
        """Take a place for it. Raises 429, or an error when the function cannot run here."""
        await self._pool.runtime(function)
        await self._let_ending_ones_end(function)
        execution = self._execution(invocation, function, streamed)
        account_limit = min(
            await self._sandbox.control.resources.account_concurrency(),
            self._sandbox.limits.value("lambda.concurrency.account"),
        )
        try:
            self._concurrency.enter(function, account_limit)
        except AwsError as error:
            self._throttled(function, error)
            raise
        try:
            environment = self._pool.take_idle(function)
            if environment is None:
                self._concurrency.add_environment(function)
                environment = await self._pool.create(function)
        except BaseException as error:
            self._concurrency.leave(function)
            if isinstance(error, AwsError) and error.status == 429:
                self._throttled(function, error)
            raise
        return Job(function, execution, invocation.cause, environment)

    async def _let_ending_ones_end(self, function: FunctionConfig) -> None:
        """An answered invocation still holds its environment until the runtime asks for the next one.

        A caller on the same machine comes back before that, as none does over a network: it gets the moment that
        it needs to find the environment warm. On the virtual clock no time passes.
        """
        ending = [job for job in self._running if job.function.name == function.name and job.answered]
        if not ending:
            return
        waits = [asyncio.ensure_future(job.finished.wait()) for job in ending]
        clock = self._sandbox.clock
        settled = clock.settled() if clock.kind == "virtual" else asyncio.sleep(WARM_AGAIN_S)
        waits.append(asyncio.ensure_future(settled))  # type: ignore[arg-type]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _throttled(self, function: FunctionConfig, error: AwsError) -> None:
        reason = error.fields.get("Reason", "")
        self._sandbox.timeline.record(
            "lambda", "throttled", function.name, function=function.name, reason=reason
        )

    def _execution(self, invocation: Invocation, function: FunctionConfig, streamed: bool) -> Execution:
        value = self._sandbox.limits.value
        bandwidth = None
        if streamed:
            bandwidth = Bandwidth(value("lambda.stream.bandwidth.uncapped"), value("lambda.stream.bandwidth"))
        limits = ResponseLimits(
            buffered=value("lambda.payload.sync.response"),
            streamed=value("lambda.stream.payload") if streamed else 0,
            error_type=value("lambda.error.response_too_large.type"),
            message=value("lambda.error.response_too_large.message"),
        )
        qualifier = invocation.qualifier or _qualifier_of(invocation.function)
        return Execution(
            request_id=invocation.request_id or self._sandbox.ids.uuid(),
            payload=invocation.payload or b"{}",  # so does LocalStack, whose tests ran against AWS
            arn=f"{function.arn}:{qualifier}" if qualifier else function.arn,
            trace_id=invocation.trace_id or self._new_trace(),
            client_context=client_context(invocation.client_context),
            limits=limits,
            bandwidth=bandwidth,
        )

    def _new_trace(self) -> str:
        ids = self._sandbox.ids
        root = f"1-{int(self._sandbox.clock.epoch()):08x}-{ids.hex(24)}"
        return f"Root={root};Parent={ids.hex(16)};Sampled=0"

    # -- running -----------------------------------------------------------------------------------

    async def run(self, job: Job) -> None:
        """Run it to its end, whoever still listens. To be spawned: it must not end with its caller."""
        clean = False
        self._running.add(job)
        try:
            clean = await self._run_in(job, job.environment)
        finally:
            self._running.discard(job)
            self._concurrency.leave(job.function)
            if clean:
                self._pool.give_back(job.environment)
            job.finished.set()
            job.execution.channel.close(Fault("Sandbox.Failure", b'{"errorType":"Sandbox.Failure"}'))
            if not clean:
                await self._pool.discard(job.environment, job.fault.type if job.fault else "failure")

    async def _run_in(self, job: Job, environment: Environment) -> bool:
        """Initialize when new, then invoke; whether the environment can be used again."""
        clock, request_id = self._sandbox.clock, job.execution.request_id
        cold = environment.new
        started, init_ms, fault = clock.now(), None, None
        if cold:
            init = await self._initialize(job, environment)
            started, init_ms, fault = init.invoked_at, init.ms, init.fault
        left_s = job.function.timeout_s - (clock.now() - started)
        environment.log.start(request_id, job.function.version)
        self._sandbox.timeline.record(
            "lambda", "invoked", request_id, function=job.function.name, environment=environment.id, cold=cold,
            mode="streaming" if job.execution.streamed else "buffered", cause=job.cause,
        )  # fmt: skip
        if fault is None:
            fault = await environment.run(job.execution, left_s)
        if fault is not None:
            await environment.kill_processes()
        timing = Timing((clock.now() - started) * 1000, init_ms)
        self._finish(job, environment, fault, timing)
        return fault is None

    async def _initialize(self, job: Job, environment: Environment) -> Initialization:
        """Start the processes; after a failure once more, within the function's own timeout (facts 4.23)."""
        clock, request_id = self._sandbox.clock, job.execution.request_id
        phase, seconds = "init", float(self._sandbox.limits.value("lambda.init.timeout"))
        while True:
            began = clock.now()
            try:
                fault = await environment.start(request_id, seconds)
                status = "error"
            except InitTimeoutError:
                fault = faults.timed_out(request_id, job.function.timeout_s, environment.log.now())
                status = "timeout"
            elapsed_ms = (clock.now() - began) * 1000
            if fault is None:
                self._sandbox.timeline.record("lambda", "initialized", environment.id, init_ms=elapsed_ms)
                first = phase == "init"
                return Initialization(clock.now() if first else began, elapsed_ms if first else None, None)
            environment.log.init_report(phase, elapsed_ms, status, fault.type if status == "error" else "")
            if phase == "invoke":
                return Initialization(began, None, fault)
            phase, seconds = "invoke", float(job.function.timeout_s)

    def _finish(self, job: Job, environment: Environment, fault: Fault | None, timing: Timing) -> None:
        request_id = job.execution.request_id
        billed = self._billed_ms(job.function, timing)
        job.fault = fault or job.execution.channel.fault
        report = Report(
            timing.duration_ms,
            billed,
            job.function.memory_mb,
            environment.peak_memory_mb(),
            timing.init_ms,
            fault,
        )
        environment.log.end(request_id, report)
        job.log_tail = environment.log.take_tail()
        environment.log.ship()
        job.execution.channel.close(fault)
        self._sandbox.timeline.record(
            "lambda", "invocation_ended", request_id, function=job.function.name,
            outcome=job.fault.type if job.fault else "ok",
            duration_ms=timing.duration_ms, billed_ms=billed, memory_mb=job.function.memory_mb,
        )  # fmt: skip

    def _billed_ms(self, function: FunctionConfig, timing: Timing) -> int:
        """Rounded up to 1 ms; with the initialization where AWS bills it on the chosen day."""
        runtime = RUNTIMES[function.runtime]
        billed = self._sandbox.limits.value("lambda.init.billed") or not runtime.managed
        init_ms = (timing.init_ms or 0.0) if billed else 0.0
        return max(1, math.ceil(round(timing.duration_ms + init_ms, 6)))


def client_context(header: str | None) -> str | None:
    """The JSON of an ``X-Amz-Client-Context`` header. Raises 400 when it is not base64 of JSON."""
    if not header:
        return None
    try:
        text = base64.b64decode(header, validate=True).decode()
        json.loads(text)
    except (binascii.Error, ValueError):
        raise errors.bad_json("Client context must be a valid Base64-encoded JSON object.") from None
    return text


def _name_of(function: str) -> str:
    """The name in a name or ARN, with or without a qualifier."""
    return function.rpartition(":function:")[2].partition(":")[0]


def _qualifier_of(function: str) -> str | None:
    """The qualifier in ``name:qualifier`` or in a full or partial ARN."""
    return function.rpartition(":function:")[2].partition(":")[2] or None


def check_emulated(invocation_headers: dict[str, str]) -> None:
    """Refuse what is not emulated, by name."""
    if "x-amz-tenant-id" in invocation_headers:
        raise NotEmulatedError("Lambda tenant isolation (X-Amz-Tenant-Id)")
    if "x-amz-durable-execution-name" in invocation_headers:
        raise NotEmulatedError("Lambda durable functions (X-Amz-Durable-Execution-Name)")
