"""Playing a story: a fresh sandbox on a loop of its own, the pattern deployed, the clients let loose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Protocol

from sandbox.aws.errors import AwsError
from sandbox.clock import Clock, ClockKind, stopwatch, today
from sandbox.clock import run as run_clock
from sandbox.context import Sandbox
from sandbox.limits.errors import LimitsError
from sandbox.stories.actions import act
from sandbox.stories.checks import Failure, check
from sandbox.stories.clients.base import ClientBase, Stage, StoryFailedError
from sandbox.stories.model import Story
from sandbox.stories.outcome import outcome
from sandbox.stories.quiet import Open, until_quiet
from sandbox.stories.results import StoryResult
from sandbox.stories.trace import Trace
from sandbox.timeline import Event

_NOON = time(12)
_STORY = "story"


class OpenSandbox(Protocol):
    """How a sandbox is opened: as :func:`sandbox.app.open_sandbox`."""

    def __call__(
        self, clock: Clock, *, as_of: date | None, overrides: dict[str, Any] | None
    ) -> AbstractAsyncContextManager[Sandbox]: ...


Deploy = Callable[[Sandbox, Path, str, Mapping[str, str]], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Workshop:
    """The real parts that a story is played with."""

    open_sandbox: OpenSandbox
    deploy: Deploy


def real_workshop() -> Workshop:
    """The sandbox itself."""
    from sandbox.app import open_sandbox
    from sandbox.control.cloudformation.deploy import deploy

    return Workshop(open_sandbox, deploy)


def run_story(
    story: Story, clock: ClockKind = "virtual", as_of: date | None = None, workshop: Workshop | None = None
) -> StoryResult:
    """Play a story and judge it. ``as_of``: the run's day, unless the story names its own."""
    parts = workshop or real_workshop()
    day = story.as_of or as_of
    start = datetime.combine(day or today(), _NOON, UTC) if clock == "virtual" or day else None
    elapsed = stopwatch()
    trace, faults = run_clock(lambda held: _play(story, held, day, parts), clock, start)
    seen = outcome(trace, _watched(story, trace))
    failures = faults or check(story, trace, real=clock == "real")
    return StoryResult(story, trace, seen, tuple(failures), elapsed())


def _watched(story: Story, trace: Trace) -> str:
    names = [name for name in trace.clients if name.rpartition("/")[0] == story.watched]
    return names[0] if names else story.watched


async def _play(
    story: Story, clock: Clock, as_of: date | None, parts: Workshop
) -> tuple[Trace, list[Failure]]:
    events: list[Event] = []
    begun = [clock.now()]
    failures: list[Failure] = []
    try:
        async with parts.open_sandbox(clock, as_of=as_of, overrides=dict(story.quotas) or None) as sandbox:
            sandbox.timeline.listen(events.append)
            with clock.in_flight(_STORY):
                failures = await _in_sandbox(story, sandbox, parts, events, begun)
    except LimitsError as error:
        failures = [Failure("quotas", "", str(error))]
    return Trace([event for event in events if event.at >= begun[0]], begun[0]), failures


async def _in_sandbox(
    story: Story, sandbox: Sandbox, parts: Workshop, events: list[Event], begun: list[float]
) -> list[Failure]:
    template = story.file.parent / story.template
    parameters = {name: _parameter(value) for name, value in story.parameters.items()}
    try:
        outputs = await parts.deploy(sandbox, template, story.pattern.replace("_", "-"), parameters)
    except (AwsError, OSError, ValueError) as error:
        return [Failure("template", "", f"{template} cannot be deployed: {error}", sandbox.clock.now())]
    sandbox.model.configure(**story.model.values())
    begun[0] = sandbox.clock.now()
    events.clear()
    stage = Stage(sandbox.clock, sandbox.timeline, sandbox.endpoint, sandbox.settings.region, outputs)
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
                group.create_task(act(action, sandbox), name=f"actions[{n}]")
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


def _parameter(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
