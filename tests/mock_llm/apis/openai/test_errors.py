"""Requests that cannot be are refused in OpenAI's words."""

from __future__ import annotations

from typing import Any

import pytest

from mock_llm.app import create_app
from mock_llm.settings import Settings

HELLO = {"role": "user", "content": "x"}

REFUSED: list[tuple[dict[str, Any], str, str | None, str | None]] = [
    ({"messages": None}, "Missing required parameter: 'messages'.", "messages", "missing_required_parameter"),
    (
        {"messages": "hi"},
        "Invalid type for 'messages': expected an array of objects, but got a string instead.",
        "messages",
        "invalid_type",
    ),
    (
        {"messages": []},
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        "messages",
        "empty_array",
    ),
    (
        {"messages": [HELLO, 3]},
        "expected an object, but got an integer instead.",
        "messages[1]",
        "invalid_type",
    ),
    ({"messages": [{"content": "x"}]}, "Missing required", "messages[0].role", "missing_required_parameter"),
    (
        {"messages": [{"role": "user"}]},
        "Missing required",
        "messages[0].content",
        "missing_required_parameter",
    ),
    (
        {"messages": [{"role": "bogus", "content": "x"}]},
        "Invalid value: 'bogus'. Supported values are: "
        "'system', 'assistant', 'user', 'function', 'tool', and 'developer'.",
        "messages[0].role",
        "invalid_value",
    ),
    (
        {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
        "Missing required parameter: 'messages[0].content[0].type'.",
        "messages[0].content[0].type",
        "missing_required_parameter",
    ),
    ({"model": ""}, "you must provide a model parameter", None, None),
    ({"model": "mock-bogus"}, "The model `mock-bogus` does not exist", None, "model_not_found"),
    (
        {"temperature": 200},
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 200 instead.",
        "temperature",
        "decimal_above_max_value",
    ),
    (
        {"max_tokens": 0},
        "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        "max_tokens",
        "integer_below_min_value",
    ),
    ({"n": 129}, "Expected a value <= 128, but got 129", "n", "integer_above_max_value"),
    ({"n": 1.5}, "expected an integer, but got a decimal number instead", "n", "invalid_type"),
    ({"stream": "yes"}, "expected a boolean, but got a string", "stream", "invalid_type"),
    (
        {"stop": ["a"] * 5},
        "maximum length 4, but got an array with length 5",
        "stop",
        "array_above_max_length",
    ),
    (
        {"max_tokens": 5, "max_completion_tokens": 5},
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        "max_tokens",
        "invalid_parameter_combination",
    ),
    (
        {"stream_options": {"include_usage": True}},
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        "stream_options",
        None,
    ),
    ({"top_k": 3}, "Unrecognized request argument supplied: top_k", None, None),
    ({"tool_choice": "required"}, "only allowed when 'tools' are specified", "tool_choice", None),
    (
        {"response_format": {"type": "json_object"}},
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        "messages",
        None,
    ),
    ({"logprobs": True}, "log probabilities", "logprobs", "not_emulated"),
]


@pytest.mark.parametrize(("body", "message", "param", "code"), REFUSED)
def test_refused_in_openai_words(
    chat: Any, body: dict[str, Any], message: str, param: str | None, code: str | None
) -> None:
    call = chat(**body)
    assert call.status == (404 if code == "model_not_found" else 400)
    error = call.json()["error"]
    assert message in error["message"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert list(call.json()) == ["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_body_that_is_no_json_object_is_refused(jump: Any, calls: Any, body: bytes) -> None:
    call = jump(calls("/v1/chat/completions", body).run(create_app()))
    assert call.status == 400
    assert call.json()["error"]["message"].startswith("We could not parse the JSON body of your request.")


def test_unknown_path_is_refused(jump: Any, calls: Any) -> None:
    call = jump(calls("/chat/completions").run(create_app()))
    assert call.status == 404
    error = call.json()["error"]
    assert error["message"].startswith("Unknown request URL: POST /chat/completions.")
    assert error["code"] == "unknown_url"


def test_other_method_is_refused(jump: Any, calls: Any) -> None:
    call = jump(calls("/v1/chat/completions", method="GET").run(create_app()))
    assert call.status == 405
    assert call.json()["error"]["message"].startswith("Not allowed to GET on /v1/chat/completions.")
    assert (b"allow", b"POST") in call.sent[0][1]["headers"]


def test_body_beyond_the_limit_is_refused_and_not_kept(chat: Any) -> None:
    call = chat(app=create_app(Settings(max_body=50)))
    assert call.status == 413
    assert "longer than 50 bytes" in call.json()["error"]["message"]


def test_missing_key_is_refused_only_when_required(chat: Any) -> None:
    strict = create_app(Settings(require_key=True))
    call = chat(app=strict)
    assert call.status == 401
    assert call.json()["error"]["message"].startswith("You didn't provide an API key.")
    assert chat(app=strict, headers={"authorization": "Bearer any"}).status == 200
    assert chat().status == 200


@pytest.mark.parametrize(
    ("header", "value", "says"),
    [
        ("first-token", "soon", "first_token must be a number, not 'soon'"),
        ("profile", "bogus", "unknown profile 'bogus'; there are: instant, fast"),
        ("seed", "x", "seed must be a number, not 'x'"),
        ("speed", "1", "unknown header x-mock-llm-speed"),
    ],
)
def test_bad_header_is_refused_by_name(chat: Any, header: str, value: str, says: str) -> None:
    call = chat(headers={f"x-mock-llm-{header}": value})
    assert call.status == 400
    assert says in call.json()["error"]["message"]
