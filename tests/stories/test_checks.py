from pathlib import Path
from typing import Any

import pytest

from sandbox.stories.checks import Failure, check
from sandbox.stories.model import Story
from sandbox.stories.trace import Trace
from tests.stories.synthetic import Script, text, tokens

MADE = tokens(10)
DONE = MADE[-1][0]


def story(**expect: Any) -> Story:
    base = {"id": "a", "title": "t", "teaches": "t", "clients": [{"name": "browser", "url": "x"}]}
    return Story.model_validate(base | {"expect": expect})


def streamed() -> Trace:
    script = Script().at(0.0, "lambda.invoked", "i", function="chat", cold=True).model(MADE)
    script.client(MADE, ended=DONE, content_type="text/markdown")
    return script.at(2.5, "lambda.invocation_ended", "i", outcome="success", billed_ms=2500).trace()


def timed_out() -> Trace:
    made = tokens(10, first=25.0, gap=1.0)
    script = Script().at(0.0, "lambda.invoked", "i", function="pattern-Chat", cold=True).model(made)
    script.client([(29.0, '{"message": "x"}')], status=504, ended=29.0, content_type="application/json")
    return script.at(34.5, "lambda.invocation_ended", "i", outcome="success", billed_ms=34500).trace()


@pytest.mark.parametrize(
    "expect",
    [
        {"verdict": "arrives whole"},
        {"status": 504},
        {"body": "x"},
        {"body": {"lacks": "word3"}},
        {"headers": {"Content-Type": "text/plain"}},
        {"headers": {"content-type": None}},
        {"headers": {"x-other": "y"}},
        {"error": "timeout"},
        {"first_token_at": 1.001},
        {"last_token_at": "never"},
        {"ended_at": {"at_least": "2s"}},
        {"started_at": 0},
        {"tokens": 9},
        {"instants": 1},
        {"delay_per_token": "1ms"},
        {"requests": 2},
        {"messages": 1},
        {"close_code": 1000},
        {"close_reason": ""},
        {"counts": {"lambda.invoked": 2}},
        {"invocations": 0},
        {"cold_starts": 0},
        {"model_calls": 2},
        {"billed": "2.501s"},
        {"after_client": {"ran_until": "2.4s"}},
        {"after_client": {"ran_until": "never"}},
        {"after_client": {"outcome": "timeout"}},
        {"after_client": {"model_tokens": 1}},
        {"after_client": {"function": "other", "ran_until": "2.5s"}},
        {"order": ["client.completed", "lambda.invoked"]},
        {"order": [{"event": "lambda.invoked", "at": 1}]},
        {"never": ["model.completed"]},
        {"never": [{"event": "lambda.invoked", "data": {"cold": True}}]},
    ],
)
def test_what_does_not_hold_is_one_failure_of_that_field(expect: dict[str, Any]):
    (failure,) = check(story(**expect), streamed())
    field = next(iter(expect))
    assert failure.field.startswith(f"expect.{field}")
    assert "expected" in str(failure)


@pytest.mark.parametrize(
    "expect",
    [
        {"verdict": "streams", "status": 200, "first_token_at": 1, "last_token_at": 1.9, "tokens": 10},
        {"instants": 10, "delay_per_token": 0, "requests": 1, "ended_at": "1.9s", "error": "none"},
        {"body": text(MADE), "headers": {"Content-Type": "text/markdown", "x-other": None}},
        {"invocations": 1, "cold_starts": 1, "model_calls": 1, "billed": {"at_least": 2000, "at_most": "3s"}},
        {"after_client": {"function": "chat", "ran_until": "2.5s", "billed": "2500ms", "outcome": "success"}},
        {"order": ["lambda.invoked", {"event": "model.token_emitted", "at": "1.5s"}, "client.completed"]},
        {"never": ["lambda.throttled", {"event": "lambda.invoked", "data": {"cold": False}}]},
    ],
)
def test_what_holds_is_no_failure(expect: dict[str, Any]):
    assert check(story(**expect), streamed()) == []


def test_what_went_on_after_the_client_is_counted_from_its_end():
    expect = {"ran_until": "34.5s", "billed": 34500, "model_tokens": 5, "function": "Chat"}
    assert check(story(verdict="cut off", after_client=expect), timed_out()) == []


def test_a_failure_says_what_was_expected_and_what_was_seen():
    told = [str(one) for one in check(story(status=200, first_token_at="1s", tokens=10), timed_out())]
    assert told == [
        "expect.status: expected 200, but it is 504",
        "expect.first_token_at: expected exactly 1 s, but it is never",
        "expect.tokens: expected exactly 10, but it is 0",
    ]


def test_instants_are_exact_on_the_virtual_clock_and_tolerant_on_the_real_one():
    assert check(story(ended_at=1.9001), streamed())
    assert not check(story(ended_at=1.9001), streamed(), scale=1)
    assert check(story(ended_at=2.5), streamed(), scale=1)
    assert not check(story(ended_at=2.5), streamed(), scale=10)


def test_every_client_and_every_copy_has_its_own_expectations():
    script = Script().client([(0.5, "no")], status=429, ended=0.5, name="b/1:1")
    trace = script.client([(0.5, "yes")], ended=0.5, name="b/2:1").client([], ended=1.0, name="a:1").trace()
    clients = [{"name": "a", "url": "x"}, {"name": "b", "url": "x", "copies": 2, "expect": {"status": 200}}]
    spec = {"id": "a", "title": "t", "teaches": "t", "clients": clients, "expect": {"status": 200}}
    assert [str(one) for one in check(Story.model_validate(spec), trace)] == [
        "clients[1].expect.status: expected 200, but it is 429"
    ]


def test_a_client_that_never_acted_fails_what_is_expected_of_it():
    (failure,) = check(story(status=200), Trace([]))
    assert str(failure) == "expect.status: expected 200, but no status line came"


def test_a_failure_without_expectation_tells_its_words_alone(tmp_path: Path):
    assert (
        str(Failure("template", "", f"{tmp_path} cannot be deployed"))
        == f"template: {tmp_path} cannot be deployed"
    )


def test_what_begins_after_the_client_is_not_what_ran_on():
    script = (
        Script().client([(1.0, "x")], ended=1.0).at(2.0, "lambda.invoked", "i", function="chat", cold=True)
    )
    trace = script.at(9.0, "lambda.invocation_ended", "i", outcome="ok", billed_ms=7000).trace()
    assert check(story(after_client={"ran_until": "never", "billed": 0}), trace) == []
