"""Stories of containers: processes of their own, and still the same in every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.stories.loading import load_stories
from sandbox.stories.runner import run_story

FILE = Path(__file__).parents[2] / "scenarios/alb_containers/chat.story.yaml"
STORIES = {story.id: story for story in load_stories(FILE)}


def seen(result: Any) -> list[Any]:
    """What happened when, without what names a process: its id, and an address made of the sandbox's port.

    Of one instant first what the clients and the model told, then what the load balancer did: a client may read the
    head of an answer before or after the load balancer has written the body.
    A task that is told to stop ends when gunicorn looks at its workers, a tenth of a second earlier or later; what
    the model says to it after the client's last event is left out, too.
    """
    told: list[Any] = []
    balancer: list[Any] = []
    over = max(event.at for event in result.trace.events if event.source == "client")
    for event in result.trace.events:
        if event.source == "client" or (event.source == "model" and event.at <= over):
            told.append((event.at, event.source, event.name, event.id, dict(event.data)))
        elif event.source == "alb":
            balancer.append((event.at, event.name, event.data.get("bytes"), event.data.get("status")))
        elif event.name == "task_started":  # when one has ended is the program's own affair
            told.append((event.at, event.name))
    return sorted([*told, *balancer], key=lambda one: one[0])


def test_two_runs_look_the_same() -> None:
    results = [run_story(STORIES["alb-deployment-cuts"]) for _ in range(2)]
    for result in results:
        assert [str(failure) for failure in result.failures] == []
    first, second = (seen(result) for result in results)
    assert first == second
    assert len(first) > 90


def test_a_websocket_and_a_crash() -> None:
    for name in ("alb-websocket-idle", "alb-task-crashes"):
        assert [str(failure) for failure in run_story(STORIES[name]).failures] == []
