"""The environments of all functions: which one takes an invocation, and which are retired."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import Sandbox
from sandbox.services.lambda_.environment import Environment, Host
from sandbox.services.lambda_.packages import BadPackageError, Packages
from sandbox.services.lambda_.runtimes import RUNTIMES
from sandbox.services.lambda_.runtimes.base import Layout, Runtime, RuntimeMissingError
from sandbox.services.processes.group import Reaper

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionConfig

Key = tuple[str, str]  # function name, version


class Pool:
    """Idle environments by function version; the one used last is taken first."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._root = (sandbox.settings.data_dir / "lambda").absolute()
        self._packages = Packages(self._root / "code")
        self._host = Host(sandbox, Reaper())
        self._idle: dict[Key, list[Environment]] = {}
        self._all: set[Environment] = set()
        self._installed: set[str] = set()
        self._order = asyncio.Lock()  # around work in threads: who came first goes on first, in every run

    async def stop(self) -> None:
        """Kill every environment."""
        await asyncio.gather(*(self.discard(e, "sandbox stopped") for e in tuple(self._all)))
        self._idle.clear()
        self._host.reaper.stop()

    # -- taking and giving back --------------------------------------------------------------------

    def take_idle(self, function: FunctionConfig) -> Environment | None:
        """A waiting environment of exactly this revision; others of the version are retired."""
        idle = self._idle.get((function.name, function.version), [])
        for environment in [e for e in idle if e.function.revision != function.revision or not e.healthy]:
            idle.remove(environment)
            self._retire(environment)
        return idle.pop() if idle else None

    async def create(self, function: FunctionConfig) -> Environment:
        """A new environment whose processes are not started yet. Raises ``AwsError``."""
        runtime = await self.runtime(function)
        name = self._sandbox.ids.hex(32)  # here, not in the thread: the same order in every run
        try:
            async with self._order:
                layout = await asyncio.to_thread(self._unpack, function, name)
        except BadPackageError as error:
            raise AwsError(400, "InvalidZipFileException", str(error), fields={"Type": "User"}) from None
        environment = Environment(self._host, function, runtime, layout, name)
        self._all.add(environment)
        return environment

    def give_back(self, environment: Environment) -> None:
        """It waits for the next invocation."""
        function = environment.function
        self._idle.setdefault((function.name, function.version), []).append(environment)

    async def discard(self, environment: Environment, reason: str) -> None:
        """Kill it."""
        await environment.kill(reason)
        self._forget(environment)

    def retire_all(self, name: str) -> None:
        """A function is gone."""
        for key in [key for key in self._idle if key[0] == name]:
            for environment in self._idle.pop(key):
                self._retire(environment)

    def _retire(self, environment: Environment) -> None:
        self._sandbox.spawn(self._shut_down(environment), f"shutdown of {environment.function.name}")

    async def _shut_down(self, environment: Environment) -> None:
        value = self._sandbox.limits.value
        await environment.shut_down(
            "SPINDOWN", value("lambda.shutdown.internal"), value("lambda.shutdown.external")
        )
        self._forget(environment)

    def _forget(self, environment: Environment) -> None:
        self._all.discard(environment)
        environment.remove_files()

    # -- what a new one needs ----------------------------------------------------------------------

    async def runtime(self, function: FunctionConfig) -> Runtime:
        """The function's runtime, installed. Raises ``AwsError`` that says what is missing."""
        runtime = RUNTIMES.get(function.runtime)
        if runtime is None:
            raise NotEmulatedError(f"the Lambda runtime {function.runtime or '(container image)'}")
        async with self._order:
            if function.runtime not in self._installed:
                try:
                    await asyncio.to_thread(runtime.installed)
                except RuntimeMissingError as error:
                    raise AwsError(501, "RuntimeNotInstalled", str(error)) from None
                self._installed.add(function.runtime)
        return runtime

    def _unpack(self, function: FunctionConfig, name: str) -> Layout:
        """Code, layers and a /tmp of its own on disk."""
        task = self._packages.task(function.code_zip)
        opt = self._packages.opt(tuple(content for _, content in function.layers))
        if opt is None:
            opt = self._root / "no-layers"
            opt.mkdir(parents=True, exist_ok=True)
        tmp = self._root / "tmp" / name
        tmp.mkdir(parents=True)
        return Layout(task, opt, tmp)
