"""An execution environment: the processes of one function version, one invocation at a time.

Its life: processes are started and initialize; then invocation and freeze take turns; then it is killed, or shut
down when its function changed. It is stopped (SIGSTOP) whenever the runtime and all extensions wait (facts 4.24).
"""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.clock import procfs
from sandbox.context import Sandbox
from sandbox.services.lambda_ import faults, variables
from sandbox.services.lambda_.execution import Execution
from sandbox.services.lambda_.faults import Fault
from sandbox.services.lambda_.logs import EnvironmentLog
from sandbox.services.lambda_.runtime_api.extensions import Extensions
from sandbox.services.lambda_.runtime_api.http import Server
from sandbox.services.lambda_.runtime_api.router import route
from sandbox.services.lambda_.runtime_api.runtime_states import InvocationErrorResponse, InvocationResponse
from sandbox.services.lambda_.runtime_api.session import Session
from sandbox.services.lambda_.runtimes.base import Layout, Runtime
from sandbox.services.lambda_.runtimes.provided import BootstrapMissingError
from sandbox.services.processes import surroundings
from sandbox.services.processes.group import ProcessGroup, Reaper, send

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionConfig

_TURNS = 20  # of the loop: by then what a process sent before it ended has been read


@dataclass(frozen=True, slots=True)
class Host:
    """What all environments share."""

    sandbox: Sandbox
    reaper: Reaper


class InitTimeoutError(Exception):
    """The processes were not ready in time."""


class Environment:
    """See the module. ``id`` ties its timeline events together and ends the name of its log stream."""

    def __init__(
        self, host: Host, function: FunctionConfig, runtime: Runtime, layout: Layout, id: str
    ) -> None:
        self.id = id
        self.function = function
        self._host = host
        self._sandbox = host.sandbox
        self._runtime = runtime
        self._layout = layout
        day = self._sandbox.clock.utcnow()
        stream = f"{day:%Y/%m/%d}/[{function.version}]{id}"
        self.log = EnvironmentLog(self._sandbox, function.name, function.log_group, stream)
        self._server = Server(lambda request: route(self._session, request))
        self._session: Session
        self._groups: list[ProcessGroup] = []
        self._frozen = False
        self._stopped = False
        self._peak = 0  # bytes
        self._strays: set[int] = set()  # processes that left our groups
        self._newest = 0  # process id when they were looked for

    @property
    def new(self) -> bool:
        """Whether its processes were never started."""
        return not self._server.address

    @property
    def healthy(self) -> bool:
        """Whether all its processes live."""
        return not self._stopped and not any(g.exited.done() for g in self._groups)

    def _record(self, name: str, **data: object) -> None:
        self._sandbox.timeline.record("lambda", name, self.id, **data)

    # -- start -------------------------------------------------------------------------------------

    async def start(self, request_id: str, seconds: float) -> Fault | None:
        """Start the processes and wait until all are ready.

        Gives what made them fail. Raises :class:`InitTimeoutError`. In both cases the processes are killed.
        """
        if not self._server.address:
            await self._server.start()
            self._record("environment_started", function=self.function.name, environment=self.id)
        try:
            async with asyncio.timeout(seconds):
                fault = await self._start(request_id)
        except TimeoutError:
            await self.kill_processes()
            raise InitTimeoutError from None
        if fault is not None:
            await self.kill_processes()
        return fault

    async def _start(self, request_id: str) -> Fault | None:
        extensions = sorted(self._extension_files())
        self._session = session = Session(
            self.function,
            self._sandbox.settings.account,
            Extensions(tuple(p.name for p in extensions), self._sandbox.ids.uuid),
            self._sandbox.ids.uuid,
            self._wrote,
        )
        place = variables.Place(self._server.address, self.log.stream, self._layout)
        credentials = await surroundings.credentials(self._sandbox, self.function.role)
        build = partial(variables.build, self._sandbox, self.function, place, credentials)
        for path in extensions:
            group = self._launch((str(path),), build("other"))
            group.exited.add_done_callback(partial(self._exited, session, request_id, path.name))
        registered = asyncio.ensure_future(session.extensions.all_registered.wait())
        either: list[asyncio.Future[Any]] = [registered, session.phase]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        registered.cancel()
        if session.phase.done():
            return session.phase.result()
        try:
            command = self._runtime.command(self.function, self._layout)
        except BootstrapMissingError as error:
            return faults.no_entry_point(request_id, str(error))
        environment = build(self._runtime.kind, command)
        argv = command.argv
        if wrapper := environment.get("AWS_LAMBDA_EXEC_WRAPPER"):
            argv = (self._real_path(wrapper), *argv)
        group = self._launch(argv, environment)
        group.exited.add_done_callback(partial(self._exited, session, request_id, None))
        return await asyncio.shield(session.phase)

    def _extension_files(self) -> list[Path]:
        folder = self._layout.opt / "extensions"
        if not folder.is_dir():
            return []
        return [p for p in folder.iterdir() if p.is_file() and os.access(p, os.X_OK)]

    def _real_path(self, path: str) -> str:
        """A path of Lambda's file system as it is here."""
        for prefix, real in (("/opt/", self._layout.opt), ("/var/task/", self._layout.task)):
            if path.startswith(prefix):
                return str(real / path.removeprefix(prefix))
        return path

    def _launch(self, argv: tuple[str, ...], environment: dict[str, str]) -> ProcessGroup:
        group = ProcessGroup(argv, environment, self._layout.task, self._host.reaper, self.log.output)
        self._groups.append(group)
        clock = self._sandbox.clock
        clock.watch(group.pid)
        clock.on_memory(group.pid, self.function.memory_mb * 1024 * 1024, self._out_of_memory)
        return group

    def _wrote(self, request_id: str, size: int) -> None:
        self._sandbox.timeline.record("lambda", "function_wrote", request_id, bytes=size)

    # -- failures ----------------------------------------------------------------------------------

    def _current_request(self, otherwise: str) -> str:
        execution = self._session.execution
        return execution.request_id if execution else otherwise

    def _out_of_memory(self) -> None:
        self._session.settle(faults.out_of_memory(self._current_request("")))

    def _exited(
        self, session: Session, request_id: str, extension: str | None, exited: asyncio.Future[int]
    ) -> None:
        if session is self._session and not session.phase.done() and not exited.cancelled():
            task = asyncio.ensure_future(self._explain_exit(session, request_id, extension, exited.result()))
            self._sandbox.tasks.add(task)
            task.add_done_callback(self._sandbox.tasks.discard)

    async def _explain_exit(
        self, session: Session, request_id: str, extension: str | None, code: int
    ) -> None:
        """End the phase, after what the process sent before it ended has been taken in."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        await session.wait_for(
            lambda: (
                session.broken_off
                or session.phase.done()
                or not isinstance(session.runtime, InvocationResponse | InvocationErrorResponse)
            )
        )
        current = self._current_request(request_id)
        if extension is None:
            session.settle(faults.exited(current, code))
        else:
            text = f"exit code {code}" if code else "exit code 0"
            session.settle(faults.extension_failed(current, "Extension.Crash", text))

    # -- invocations -------------------------------------------------------------------------------

    async def run(self, execution: Execution, seconds: float) -> Fault | None:
        """Run one invocation until the runtime and all extensions wait again; what made it fail, if anything.

        After a fault the environment is to be thrown away: :meth:`kill` it.
        """
        execution.deadline_ms = math.floor((self._sandbox.clock.epoch() + seconds) * 1000)
        self._thaw()
        session = self._session
        session.begin(execution)
        try:
            async with asyncio.timeout(seconds):
                await session.announce()
                fault = await asyncio.shield(session.phase)
        except TimeoutError:
            fault = (
                None
                if session.phase.done() and session.phase.result() is None
                else self._timed_out(execution)
            )
        if fault is None:
            self._drain()
            self._freeze()
        return fault

    def _timed_out(self, execution: Execution) -> Fault:
        return faults.timed_out(execution.request_id, self.function.timeout_s, self.log.now())

    def peak_memory_mb(self) -> int:
        """Peak memory of the processes, also when they have just been killed."""
        self._peak = max(self._peak, sum(g.peak_memory() for g in self._groups))
        return min(math.ceil(self._peak / (1024 * 1024)), self.function.memory_mb)

    def _drain(self) -> None:
        for group in self._groups:
            group.drain()

    def _freeze(self) -> None:
        self._frozen = True
        for group in self._groups:
            group.signal(signal.SIGSTOP)
            self._sandbox.clock.freeze(group.pid)
        if self._groups and self._newest != (newest := procfs.newest_id()):
            self._strays |= self._groups[-1].strays(self._newest)
            self._newest = newest
        send(signal.SIGSTOP, self._strays)
        self._record("environment_frozen", environment=self.id)

    def _thaw(self) -> None:
        if self._frozen:
            self._frozen = False
            self._record("environment_thawed", environment=self.id)
            for group in self._groups:
                self._sandbox.clock.thaw(group.pid)
                group.signal(signal.SIGCONT)
            send(signal.SIGCONT, self._strays)

    # -- end ---------------------------------------------------------------------------------------

    async def kill_processes(self) -> None:
        """Kill all processes and take their last output."""
        self.peak_memory_mb()
        groups, self._groups = self._groups, []
        for group in groups:
            group.kill()
        for group in groups:
            await group.exited
            group.close()
            self._sandbox.clock.unwatch(group.pid)

    async def kill(self, reason: str) -> None:
        """End at once, as after a timeout."""
        if self._stopped:
            return
        self._stopped = True
        await self.kill_processes()
        self._server.stop()
        self._record("environment_stopped", environment=self.id, reason=reason)
        self.log.ship()

    def remove_files(self) -> None:
        """Throw its /tmp away."""
        shutil.rmtree(self._layout.tmp, ignore_errors=True)

    async def shut_down(self, reason: str, internal_s: float, external_s: float) -> None:
        """End with the shutdown phase: extensions are told and get a moment (facts 4.26), then all are killed."""
        session = self._session
        seconds = 0.0
        if len(session.extensions):
            seconds = external_s if any(e.external for e in session.extensions) else internal_s
        if seconds and self._groups and not self._stopped:
            self._thaw()
            deadline = math.floor((self._sandbox.clock.epoch() + seconds) * 1000)
            for group in self._groups[-1:]:
                group.signal(signal.SIGTERM)  # the runtime, which is started last
            session.shut_down(reason, deadline)
            waiting = [g.exited for g in self._groups]
            await asyncio.wait(waiting, timeout=seconds)
        await self.kill(reason)
