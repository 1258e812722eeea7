"""The runner with a sandbox that answers without AWS: a raw server behind it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.anomalies import Anomalies
from sandbox.aws.errors import AwsError
from sandbox.clock import Clock
from sandbox.stories.model import Story
from sandbox.stories.results import StoryResult
from sandbox.stories.runner import Workshop, run_story
from sandbox.timeline import Timeline
from tests.stories.raw_server import Step, serve, whole


class Parts:
    """A workshop whose sandbox is a raw server; it notes what was asked of it."""

    def __init__(self, *scripts: Sequence[Step], refusal: str | None = None, after: Any = None) -> None:
        self.scripts = scripts or ([(1.0, whole("hello"))],)
        self.refusal = refusal
        self.after = after
        self.pace: dict[str, Any] = {}
        self.calls: list[Any] = []
        self.started: list[Any] = []

    @property
    def workshop(self) -> Workshop:
        return Workshop(self.open_sandbox, self.deploy)

    @asynccontextmanager
    async def open_sandbox(self, clock: Clock, *, as_of: Any) -> AsyncIterator[Any]:
        self.started.append((clock.utcnow().isoformat(), as_of))
        async with serve(*self.scripts) as (_, endpoint):
            yield SimpleNamespace(
                clock=clock,
                timeline=Timeline(clock.now),
                endpoint=endpoint,
                settings=SimpleNamespace(region="us-east-1", port=4566),
                model=SimpleNamespace(configure=lambda **pace: self.pace.update(pace)),
                control=SimpleNamespace(call=self.call),
                anomalies=self.anomalies(clock),
            )

    def anomalies(self, clock: Clock) -> Anomalies:
        self.rules = Anomalies(clock, 0)
        return self.rules

    async def call(self, *what: Any, **params: Any) -> dict[str, Any]:
        self.calls.append((*what, params))
        return {}

    async def deploy(
        self, sandbox: Any, template: Path, stack: str, parameters: Mapping[str, str]
    ) -> Mapping[str, str]:
        self.calls.append((template, stack, dict(parameters)))
        await asyncio.sleep(7.0)  # what deploying takes is before the story
        if self.refusal is not None:
            raise AwsError(400, "ValidationError", self.refusal)
        if self.after is not None:
            asyncio.get_running_loop().call_later(0.5, self.after, sandbox)
        return {"Url": f"{sandbox.endpoint}/"}


def play(parts: Parts, **given: Any) -> StoryResult:
    story = {
        "id": "a",
        "title": "t",
        "teaches": "t",
        "clients": [{"name": "browser", "url": "${outputs.Url}"}],
        "expect": {"ended_at": "1s"},
    }
    return run_story(Story.model_validate(story | given), workshop=parts.workshop)


def test_a_story_begins_after_the_deployment():
    parts = Parts()
    result = play(parts, model={"profile": "slow", "tokens": 3}, parameters={"A": 1, "B": True})
    assert result.failures == ()
    assert (result.outcome.body, result.outcome.ended_at, result.outcome.verdict) == (
        "hello",
        1.0,
        "arrives whole",
    )
    assert parts.pace == {"profile": "slow", "tokens": 3}
    assert parts.calls == [(Path("template.yaml"), "", {"A": "1", "B": "true"})]


def test_the_sandbox_lives_on_the_day_whose_rules_it_plays():
    from datetime import date

    parts = Parts()
    play(parts, as_of=date(2024, 5, 1))
    assert parts.started == [("2024-05-01T12:00:00+00:00", date(2024, 5, 1))]


def test_quotas_are_raised_before_the_deployment():
    parts = Parts()
    play(parts, quotas={"apigateway/L-E5AE38E3": 60000.0})
    asked = {"ServiceCode": "apigateway", "QuotaCode": "L-E5AE38E3", "DesiredValue": 60000.0}
    assert parts.calls[0] == ("service-quotas", "RequestServiceQuotaIncrease", asked)


def test_deliveries_go_wrong_as_the_story_says():
    parts = Parts()
    play(parts, anomalies={"duplicates": 0.5, "slow_by": "2s", "services": ["iot"]})
    rules = parts.rules.rules
    assert (rules.duplicates, rules.slow_by, rules.services) == (0.5, 2.0, ("iot",))


def test_a_share_over_one_is_told():
    with pytest.raises(ValueError, match="duplicates is a share from 0 to 1"):
        play(Parts(), anomalies={"duplicates": 2})


def test_clients_start_at_their_instants():
    clients = [{"name": "a", "url": "${outputs.Url}"}, {"name": "b", "url": "${outputs.Url}", "at": "2s"}]
    result = play(Parts(), clients=clients, watch="b", expect={"ended_at": "3s", "requests": 1})
    assert result.failures == ()


def test_a_template_that_cannot_be_deployed_fails_the_story():
    (failure,) = play(Parts(refusal="no such type")).failures
    assert str(failure) == "template: template.yaml cannot be deployed: ValidationError: no such type"


def test_a_refused_deployment_can_be_what_is_expected():
    assert play(Parts(refusal="no such type"), expect={"deployment": {"contains": "no such"}}).passed
    (failure,) = play(Parts(refusal="other"), expect={"deployment": {"contains": "no such"}}).failures
    assert str(failure).startswith("expect.deployment: expected contains 'no such', but it lacks 'no such'")
    (failure,) = play(Parts(), expect={"deployment": {"contains": "no such"}}).failures
    assert str(failure) == "expect.deployment: expected contains 'no such', but it was deployed"


def test_a_story_waits_for_what_still_runs():
    def late(sandbox: Any) -> None:
        sandbox.timeline.record("lambda", "invoked", "i", function="chat", cold=True)
        end = {"function": "chat", "outcome": "ok", "billed_ms": 40000}
        loop = asyncio.get_running_loop()
        loop.call_later(39.5, lambda: sandbox.timeline.record("lambda", "invocation_ended", "i", **end))

    result = play(Parts(after=late), expect={"after_client": {"ran_until": "40s", "billed": "40s"}})
    assert result.failures == ()


def test_a_story_that_never_ends_says_what_is_open():
    def late(sandbox: Any) -> None:
        sandbox.timeline.record("lambda", "invoked", "i", function="chat", cold=True)

    (failure,) = play(Parts(after=late), at_most=100.0).failures
    assert str(failure) == "at_most: the story was not over by then; still open: lambda i (invoked)"


def test_a_story_that_cannot_be_played_as_written_fails():
    (failure,) = play(Parts(), clients=[{"name": "browser", "url": "${outputs.Uri}"}]).failures
    assert "${outputs.Uri} is not known; there is endpoint, outputs.Url, region" in str(failure)


def test_killing_what_does_not_run_fails():
    (failure,) = play(Parts(), actions=[{"at": "0.5s", "kill": {"function": "NoSuchFunction"}}]).failures
    assert str(failure) == "clients: no process of a function 'NoSuchFunction' runs at 0.5 s"


def test_a_fault_of_the_sandbox_is_a_failure_with_its_traceback():
    def fail(pace: Any) -> None:
        raise RuntimeError(f"broken {pace}")

    parts = Parts()
    parts.pace = SimpleNamespace(update=fail)  # type: ignore[assignment]
    (failure,) = play(parts, model="slow").failures
    assert "the sandbox failed" in str(failure)
    assert "RuntimeError" in str(failure)
