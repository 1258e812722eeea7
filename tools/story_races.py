"""Stories in which a client or an operator acts in the very instant in which the model says a token.

Which of the two comes first is then for the machine to say: ``python tools/story_races.py [PATTERN or STORY ...]``
(default: all) plays them and prints each such instant. What a client does because of something that came to it in
that instant, such as to leave after the last token, is none: it comes after.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from sandbox.stories.discovery import find_stories
from sandbox.stories.runner import run_story
from sandbox.stories.trace import Trace

_ACTS = {
    "request_sent",
    "message_sent",
    "ping_sent",
    "disconnected",
    "failed",
    "closed",
    "published",
    "subscribed",
}
_COMES = {"received", "response_started", "completed", "heard", "pong_received", "connack"}
_SAME = 6  # digits: microseconds


def races(trace: Trace, actions: Iterable[float] = ()) -> list[tuple[float, str]]:
    """(instant, what was done in it) for each instant of a token. ``actions``: the instants of a story's actions."""
    tokens = {round(e.at, _SAME) for e in trace.events if (e.source, e.name) == ("model", "token_emitted")}
    found = [(at, "an action") for at in actions if round(at, _SAME) in tokens]
    told: dict[str, float] = {}  # client -> when something last came to it
    for event in trace.events:
        if event.source != "client":
            continue
        client, at = event.id.rpartition(":")[0], round(event.at, _SAME)
        if event.name in _COMES:
            told[client] = at
        elif event.name in _ACTS and at in tokens and told.get(client) != at:
            found.append((event.at, f"{client}: {event.name}"))
    return sorted(found)


def main(what: list[str]) -> int:
    """Play and print; 1 when there is any such instant."""
    count = 0
    for story in find_stories(what, None):
        for at, done in races(run_story(story).trace, [action.at for action in story.actions]):
            print(f"{story.pattern}/{story.id}: {at:.6f} s: {done}", flush=True)
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
