"""Quotas refuse with each provider's words and headers, and fill again with time; load slows answers that begin."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mock_llm.app import MockLLM, create_app
from mock_llm.profiles import ProfileError
from mock_llm.quota import read_quota
from mock_llm.settings import Settings

HELLO = [{"role": "user", "content": "Hello"}]
BLOCKS = [{"role": "user", "content": [{"text": "Hello"}]}]
BODIES = {
    "/v1/chat/completions": {"model": "gpt-4o", "messages": HELLO},
    "/v1/messages": {"model": "claude", "max_tokens": 99, "messages": HELLO},
    "/model/x/converse": {"messages": BLOCKS},
}


def at(jump: Any, calls: Any, app: MockLLM, path: str, instants: list[float]) -> list[Any]:
    async def main() -> list[Any]:
        seen = []
        for instant in instants:
            await asyncio.sleep(instant - asyncio.get_running_loop().time())
            seen.append(await calls(path, json.dumps(BODIES[path]).encode()).run(app))
        return seen

    return jump(main())  # type: ignore[no-any-return]


def test_openai_tells_what_is_left_and_when_to_try_again(jump: Any, calls: Any) -> None:
    app = create_app(Settings(profile="instant", quota=read_quota("requests=3")))
    first, _, _, refused, early, again = at(jump, calls, app, "/v1/chat/completions", [0, 0, 0, 0, 19.9, 20])
    headers = dict(first.sent[0][1]["headers"])
    assert headers[b"x-ratelimit-remaining-requests"] == b"2"
    assert headers[b"x-ratelimit-reset-requests"] == b"20s"
    assert (refused.status, early.status, again.status) == (429, 429, 200)
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("requests", "rate_limit_exceeded")
    assert "for gpt-4o in organization" in error["message"]
    assert "(RPM): Limit 3, Used 3, Requested 1. Please try again in 20s." in error["message"]
    headers = dict(refused.sent[0][1]["headers"])
    assert (headers[b"retry-after"], headers[b"retry-after-ms"]) == (b"20", b"20000")
    assert headers[b"x-ratelimit-reset-requests"] == b"1m0s"
    assert [request.status for request in app.requests] == [200, 200, 200, 429, 429, 200]


def test_tokens_count_prompt_and_answer(jump: Any, calls: Any) -> None:
    app = create_app(Settings(profile="instant"))
    app.configure(quota="tokens=114")
    first, second, third = at(jump, calls, app, "/v1/chat/completions", [0, 0, 0])
    assert first.json()["usage"]["total_tokens"] == 57
    assert (second.status, third.status) == (200, 429)
    assert (
        "tokens per min (TPM): Limit 114, Used 114, Requested 57. Please try again in 30s."
        in third.content.decode()
    )


def test_anthropic_and_bedrock_refuse_in_their_words(jump: Any, calls: Any) -> None:
    app = create_app(Settings(profile="instant", quota=read_quota("requests=1,tokens=9000")))
    first, refused = at(jump, calls, app, "/v1/messages", [0, 0])
    headers = dict(first.sent[0][1]["headers"])
    assert headers[b"anthropic-ratelimit-requests-remaining"] == b"0"
    assert headers[b"anthropic-ratelimit-requests-reset"] == b"2025-01-01T00:01:00Z"
    assert int(headers[b"anthropic-ratelimit-tokens-remaining"]) == 9000 - 51
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert "rate limit of 1 requests per minute" in refused.json()["error"]["message"]
    assert dict(refused.sent[0][1]["headers"])[b"retry-after"] == b"60"
    _, refused = at(jump, calls, app, "/model/x/converse", [0, 0])
    headers = dict(refused.sent[0][1]["headers"])
    assert (refused.status, headers[b"x-amzn-errortype"]) == (429, b"ThrottlingException")
    assert refused.json() == {"message": "Too many requests, please wait before trying again."}
    assert b"retry-after" not in headers


@pytest.mark.parametrize("text", ["", "requests", "requests=0", "requests=1;tokens=2", "words=3", 5])
def test_quota_that_cannot_be_is_refused(text: Any) -> None:
    with pytest.raises(ProfileError, match="quota must be"):
        read_quota(text)


def test_load_slows_answers_that_begin_beside_others(jump: Any, calls: Any) -> None:
    async def main() -> list[Any]:
        app = create_app()
        app.configure(first_token=1, rate=10, tokens=5, load=0.5)
        body = json.dumps({"model": "m", "messages": HELLO, "stream": True}).encode()
        return list(await asyncio.gather(*(calls("/v1/chat/completions", body).run(app) for _ in range(3))))

    ends = [[call.sent[1][0], call.sent[-1][0]] for call in jump(main())]
    assert ends == [[1.0, 1.4], [1.5, 2.1], [2.0, 2.8]]


def test_headers_may_leave_before_the_first_token(chat: Any) -> None:
    call = chat(stream=True, headers={"x-mock-llm-headers": "0.25", "x-mock-llm-first-token": "3"})
    assert [when for when, _ in call.sent[:2]] == [0.25, 3.0]
