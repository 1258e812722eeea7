"""Chat completions have OpenAI's shapes."""

from __future__ import annotations

from typing import Any

import pytest

from mock_llm.app import create_app
from mock_llm.settings import Settings


def test_stream_is_role_then_tokens_then_reason_then_done(chat: Any, text_of: Any) -> None:
    call = chat(stream=True)
    assert call.status == 200
    headers = dict(call.sent[0][1]["headers"])
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    *chunks, done = [event for _, event in call.events()]
    assert done == "[DONE]"
    assert len(chunks) == 52
    for chunk in chunks:
        assert list(chunk) == [
            *("id", "object", "created", "model", "service_tier", "system_fingerprint", "choices"),
        ]
        assert chunk["object"] == "chat.completion.chunk"
        assert chunk["id"] == chunks[0]["id"]
        assert chunk["created"] == chunks[0]["created"]
        assert chunk["model"] == "mock-instant"
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert all(list(choice["delta"]) == ["content"] for choice in choices[1:-1])
    assert [choice["finish_reason"] for choice in choices] == [None] * 51 + ["stop"]
    assert choices[-1]["delta"] == {}
    assert text_of(call.events()) == chat().json()["choices"][0]["message"]["content"]


def test_usage_comes_last_and_only_when_asked_for(chat: Any) -> None:
    chunks = [event for _, event in chat(stream=True, stream_options={"include_usage": True}).events()][:-1]
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * 52
    assert chunks[-1]["choices"] == []
    usage = chunks[-1]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (7, 50, 57)
    assert chat().json()["usage"] == usage


def test_whole_answer(chat: Any) -> None:
    answer = chat().json()
    assert answer["object"] == "chat.completion"
    assert answer["id"].startswith("chatcmpl-")
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"].endswith(".")


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_limit_cuts_the_same_text_short(chat: Any, text_of: Any, name: str) -> None:
    whole = chat().json()["choices"][0]["message"]["content"]
    call = chat(stream=True, **{name: 5})
    said = text_of(call.events())
    assert whole.startswith(said)
    assert call.events()[-2][1]["choices"][0]["finish_reason"] == "length"
    assert chat(**{name: 5}).json()["usage"]["completion_tokens"] == 5
    assert chat(**{name: 50}).json()["choices"][0]["finish_reason"] == "stop"


def test_stop_sequence_ends_the_text_before_it(chat: Any, text_of: Any) -> None:
    whole = chat().json()["choices"][0]["message"]["content"]
    stop = whole[20:26]  # in the middle of tokens
    assert not stop.startswith(" ")
    call = chat(stream=True, stop=["nowhere", stop])
    assert text_of(call.events()) == whole[: whole.index(stop)]
    assert call.events()[-2][1]["choices"][0]["finish_reason"] == "stop"
    assert chat(stop=whole[0]).json()["choices"][0]["message"]["content"] == ""
    assert text_of(chat(stream=True, stop=whole[0]).events()) == ""


def test_choices_come_interleaved_and_differ(chat: Any, text_of: Any) -> None:
    call = chat(stream=True, n=3)
    indexes = [event["choices"][0]["index"] for _, event in call.events()[:-1]]
    assert indexes == [0, 1, 2] * 52
    texts = [text_of(call.events(), index) for index in range(3)]
    assert len(set(texts)) == 3
    assert [choice["message"]["content"] for choice in chat(n=3).json()["choices"]] == texts


def said(chat: Any, **body: Any) -> Any:
    return [choice["message"]["content"] for choice in chat(**body).json()["choices"]]


def test_text_follows_seed_prompt_and_temperature(chat: Any) -> None:
    assert said(chat) == said(chat)
    other = [{"role": "user", "content": "Hello!"}]
    ways = [
        said(chat, seed=1),
        said(chat, seed=2),
        said(chat, temperature=0.5),
        said(chat, messages=other),
        said(chat),
    ]
    assert len({text for (text,) in ways}) == 5
    by_header = said(chat, headers={"x-mock-llm-seed": "9"})
    assert by_header == said(chat, app=create_app(Settings(seed=9))) != said(chat)


def test_temperature_0_is_greedy(chat: Any) -> None:
    assert said(chat, temperature=0, seed=1) == said(chat, temperature=0, seed=2)
    assert len(set(said(chat, temperature=0, n=3))) == 1
    assert len(set(said(chat, temperature=0.1, n=3))) == 3


def test_text_does_not_depend_on_the_model_or_its_pace(chat: Any) -> None:
    assert said(chat, model="mock-slow", max_tokens=40) == said(chat, model="gpt-5", max_tokens=40)


def test_ids_are_unique_and_repeat_with_the_same_requests(chat: Any) -> None:
    def ids() -> list[str]:
        app = create_app()
        return [chat(app=app).json()["id"] for _ in range(3)]

    assert len(set(ids())) == 3
    assert ids() == ids()


def test_created_is_the_date_of_the_given_epoch(chat: Any) -> None:
    assert chat(app=create_app(Settings(epoch=lambda: 1e9 + 0.9))).json()["created"] == 1_000_000_000


def test_tools_are_taken_and_answered_by_text(chat: Any) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    assert chat(tools=[tool], tool_choice="auto").status == 200
