"""Messages of a broadcast against the model's text."""

from __future__ import annotations

from typing import Any

from sandbox.stories.order import Order, order
from sandbox.stories.verdict import judge
from tests.stories.synthetic import Script, tokens

MADE = tokens(12)
WORDS = [word for _, word in MADE]


def told(script: Script, pieces: list[tuple[float, str]]) -> Any:
    """What a client of a WebSocket saw."""
    script.at(0.0, "client.request_sent", "browser:1", method="GET", url="ws://x/")
    script.at(0.0, "client.response_started", "browser:1", status=101, headers={})
    for at, text in pieces:
        script.at(at, "client.received", "browser:1", bytes=len(text), text=text, message=True)
    return script.at(9.0, "client.completed", "browser:1").trace()


def trace_of(*messages: str) -> Any:
    """A client that gets these messages, a tenth of a second apart."""
    return told(Script().model(MADE), [(1.0 + n / 10, text) for n, text in enumerate(messages)])


def test_all_came_in_order() -> None:
    assert order(trace_of(*WORDS), "browser") == Order(came=12)
    assert order(trace_of("".join(WORDS[:5]), "".join(WORDS[5:])), "browser") == Order(came=12)


def test_what_is_missing_at_the_beginning_is_a_gap_and_no_lost_answer() -> None:
    trace = trace_of(*WORDS[4:])
    assert order(trace, "browser") == Order(missing=4, gaps=1, came=8)
    assert judge(trace, "browser") == "cut off"


def test_two_gaps() -> None:
    assert order(trace_of(*WORDS[:3], *WORDS[5:8], *WORDS[9:]), "browser") == Order(missing=3, gaps=2, came=9)


def test_a_message_twice() -> None:
    assert order(trace_of(*WORDS[:6], *WORDS[4:]), "browser") == Order(repeated=2, came=12)


def test_a_message_that_overtook_two_others() -> None:
    moved = [*WORDS[:3], WORDS[5], WORDS[3], WORDS[4], *WORDS[6:]]
    assert order(trace_of(*moved), "browser") == Order(overtaken=2, came=12)


def test_a_short_word_that_is_everywhere_is_found_by_what_follows() -> None:
    made = [
        (0.1 * n, word) for n, word in enumerate([" a", " b", ".", " c", ".", " d", ".", " e", ".", " f"])
    ]
    pieces = [(at, word) for at, word in made if at >= 0.55]
    assert order(told(Script().model(made), pieces), "browser") == Order(missing=6, gaps=1, came=4)


def test_who_got_no_messages_has_no_order() -> None:
    assert order(Script().model(MADE).client([], ended=9.0).trace(), "browser") is None
