"""Playing a story: a fresh sandbox on a loop of its own, the pattern deployed, the clients let loose."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Protocol

from sandbox.aws.errors import AwsError
from sandbox.backend import BackendError
from sandbox.clock import Clock, ClockKind, scale_of, stopwatch, today
from sandbox.clock import run as run_clock
from sandbox.context import Sandbox
from sandbox.stories.actions import act
from sandbox.stories.checks import SANDBOX, Failure, check
from sandbox.stories.clients.base import ClientBase, Stage, StoryFailedError
from sandbox.stories.matching import describe, mismatch
from sandbox.stories.model import Story
from sandbox.stories.outcome import outcome
from sandbox.stories.quiet import Open, until_quiet
from sandbox.stories.results import StoryResult
from sandbox.stories.trace import Trace
from sandbox.timeline import Event

_NOON = time(12)
_STORY = "story"
_PYTHON, _MODEL = "${python_runtime}", "${model}"


class OpenSandbox(Protocol):
    """How a sandbox is opened: as :func:`sandbox.app.open_sandbox`."""

    def __call__(self, clock: Clock, *, as_of: date | None) -> AbstractAsyncContextManager[Sandbox]: ...


Deploy = Callable[[Sandbox, Path, str, Mapping[str, str]], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Workshop:
    """The real parts that a story is played with."""

    open_sandbox: OpenSandbox
    deploy: Deploy
    refusals: tuple[type[Exception], ...] = (AwsError,)  # what a failed deployment raises


def real_workshop() -> Workshop:
    """The sandbox itself."""
    from sandbox.app import open_sandbox
    from sandbox.control.cloudformation.deploy import DeployError, TemplateError, deploy

    return Workshop(open_sandbox, deploy, (AwsError, DeployError, TemplateError))


def run_story(
    story: Story, clock: ClockKind = "virtual", as_of: date | None = None, workshop: Workshop | None = None
) -> StoryResult:
    """Play a story and judge it. ``as_of``: the run's day, unless the story names its own.

    Raises ``BackendError`` when there is no LocalStack where one was named.
    """
    parts = workshop or real_workshop()
    day = story.as_of or as_of
    start = datetime.combine(day or today(), _NOON, UTC) if clock != "real" or day else None
    elapsed = stopwatch()
    try:
        trace, faults = run_clock(lambda held: _play(story, held, day, parts), clock, start)
    except BackendError:  # no story can be played
        raise
    except Exception:  # a fault of the sandbox's own: told with its place, and the other stories still run
        trace, faults = Trace([]), [Failure(SANDBOX, "", f"the sandbox failed:\n{traceback.format_exc()}")]
    seen = outcome(trace, _watched(story, trace))
    failures = faults or ([] if story.expect.deployment else check(story, trace, scale=scale_of(clock)))
    return StoryResult(story, trace, seen, tuple(failures), elapsed())


def failed(story: Story, why: str) -> StoryResult:
    """What is known of a story of which nothing came back."""
    trace = Trace([])
    return StoryResult(story, trace, outcome(trace, story.watched), (Failure(SANDBOX, "", why),), 0.0)


def _watched(story: Story, trace: Trace) -> str:
    names = [name for name in trace.clients if name.rpartition("/")[0] == story.watched]
    return names[0] if names else story.watched


async def _play(
    story: Story, clock: Clock, as_of: date | None, parts: Workshop
) -> tuple[Trace, list[Failure]]:
    async with parts.open_sandbox(clock, as_of=as_of) as sandbox:
        with clock.in_flight(_STORY):
            refusal, outputs = await _deploy(story, sandbox, parts)
            failures = deployment_failures(story, refusal)
            shared: dict[str, str] = {}
            if refusal is None and not failures:
                failures = await _set_up(story, sandbox, outputs, shared)
            begun = clock.now()
            running = list(sandbox.timeline.select("ecs"))
            events: list[Event] = []
            sandbox.timeline.listen(events.append)
            if refusal is None and not failures:
                failures = await _act(story, sandbox, outputs, shared)
            trace = Trace(events, begun, running)  # now: what ends with the sandbox is no part of the story
    return trace, failures


async def _deploy(story: Story, sandbox: Sandbox, parts: Workshop) -> tuple[str | None, Mapping[str, str]]:
    """(why the pattern cannot be deployed, the stack's outputs)."""
    template = story.file.parent / story.template
    try:
        for quota, value in story.quotas.items():
            service, _, code = quota.partition("/")
            wanted = {"ServiceCode": service, "QuotaCode": code, "DesiredValue": value}
            await sandbox.control.call("service-quotas", "RequestServiceQuotaIncrease", **wanted)
        model = f"http://127.0.0.1:{sandbox.settings.port}/_llm/v1"
        parameters = {name: _parameter(value, model) for name, value in story.parameters.items()}
        return None, await parts.deploy(sandbox, template, story.pattern.replace("_", "-"), parameters)
    except parts.refusals as error:
        return str(error), {}


def deployment_failures(story: Story, refusal: str | None) -> list[Failure]:
    """Whether the deployment went as the story expects."""
    wanted = story.expect.deployment
    if wanted is None:
        told = f"{story.file.parent / story.template} cannot be deployed: {refusal}"
        return [] if refusal is None else [Failure("template", "", told)]
    if refusal is None:
        return [Failure("expect.deployment", describe(wanted), "it was deployed")]
    problem = mismatch(wanted, refusal)
    return [] if problem is None else [Failure("expect.deployment", describe(wanted), problem)]


async def _set_up(
    story: Story, sandbox: Sandbox, outputs: Mapping[str, str], shared: dict[str, str]
) -> list[Failure]:
    """What an operator does between the deployment and the first client; captures go to ``shared``."""
    region = sandbox.settings.region
    stage = Stage(sandbox.clock, sandbox.timeline, sandbox.endpoint, region, outputs, shared=shared)
    try:
        for call in story.setup:
            await call.make(sandbox.control, stage)
    except StoryFailedError as error:
        return [Failure("setup", "", str(error))]
    return []


async def _act(
    story: Story, sandbox: Sandbox, outputs: Mapping[str, str], shared: dict[str, str]
) -> list[Failure]:
    sandbox.model.configure(**story.model.values())
    sandbox.anomalies.configure(**story.anomalies.values())
    stage = Stage(
        sandbox.clock,
        sandbox.timeline,
        sandbox.endpoint,
        sandbox.settings.region,
        outputs,
        shared=shared,
        zero=sandbox.clock.now(),
    )
    opened = Open(sandbox.timeline)
    try:
        async with asyncio.timeout(story.at_most):
            failures = await _let_loose(story, sandbox, stage)
            await until_quiet(opened, lambda: set(sandbox.clock.in_flight_names()) - {_STORY})
    except TimeoutError:
        open_now = "; ".join(opened.what) or ", ".join(sandbox.clock.in_flight_names())
        return [
            Failure("at_most", "", f"the story was not over by then; still open: {open_now}", story.at_most)
        ]
    return failures


async def _let_loose(story: Story, sandbox: Sandbox, stage: Stage) -> list[Failure]:
    failures: list[Failure] = []
    try:
        async with asyncio.TaskGroup() as group:
            for n, client in enumerate(story.clients):
                group.create_task(_client(client, stage), name=f"clients[{n}]")
            for n, action in enumerate(story.actions):
                group.create_task(act(action, sandbox, stage), name=f"actions[{n}]")
    except* StoryFailedError as faults:
        failures += [Failure("clients", "", str(error)) for error in leaves(faults)]
    return failures


def leaves(group: BaseExceptionGroup[StoryFailedError]) -> list[StoryFailedError]:
    """The errors of a group of groups."""
    found: list[StoryFailedError] = []
    for error in group.exceptions:
        found += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


async def _client(client: ClientBase, stage: Stage) -> None:
    await asyncio.sleep(client.at)
    with stage.clock.in_flight(f"client {client.name}"):
        await client.play(stage)


def _parameter(value: str | int | float | bool, model: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace(_MODEL, model).replace(_PYTHON, "python{}.{}".format(*sys.version_info[:2]))
