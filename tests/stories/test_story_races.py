"""The tool that finds stories in which a client acts in the instant of a token."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from tests.stories.synthetic import Script, tokens

TOOL = Path(__file__).parents[2] / "tools" / "story_races.py"
_spec = importlib.util.spec_from_file_location("story_races", TOOL)
assert _spec is not None
assert _spec.loader is not None
tool = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tool)


def test_who_acts_in_the_instant_of_a_token_is_found():
    script = Script().model(tokens(4)).client([(1.15, "x")], sent=1.1, ended=1.2, end="disconnected")
    assert tool.races(script.trace(), [1.3, 1.35]) == [
        (1.1, "browser: request_sent"),
        (1.2, "browser: disconnected"),
        (1.3, "an action"),
    ]


def test_who_answers_to_what_came_in_that_instant_is_not():
    script = Script().model(tokens(4)).client([(1.3, "word3")], sent=0.05, ended=1.3, end="disconnected")
    assert tool.races(script.trace()) == []
