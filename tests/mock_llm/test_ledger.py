"""What clients did is listed: attempts with their gaps, ends, and headers without secrets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest

from mock_llm.app import create_app
from mock_llm.ledger import SECRET_HEADERS
from mock_llm.settings import Settings

HELLO: Any = [{"role": "user", "content": "Hello"}]


def test_retries_are_told_with_their_gaps(serving: Any) -> None:
    async def main() -> Any:
        app = create_app(Settings(profile="instant"))
        app.configure(rules=[{"times": 2, "fault": "error:status=503"}])
        async with serving(app) as url, openai.AsyncOpenAI(base_url=url + "/v1", api_key="k") as client:
            await client.chat.completions.create(model="m", messages=HELLO)
        return app.requests

    first, second, third = asyncio.run(main())
    assert [r.outcome for r in (first, second, third)] == ["refused", "refused", "completed"]
    assert [r.status for r in (first, second, third)] == [503, 503, 200]
    assert [(r.attempt, r.retry_of) for r in (first, second, third)] == [(1, None), (2, 1), (3, 2)]
    assert first.gap is None
    assert 0.2 < second.gap < third.gap  # the client's backoff: about 0.5 s, then 1 s, each less some jitter
    assert third.headers["x-stainless-retry-count"] == "2"


def test_client_that_leaves(chat: Any) -> None:
    app = create_app()
    chat(app, stream=True, gone_at=3.05, headers={"x-mock-llm-profile": "slow"})
    (request,) = app.requests
    assert (request.outcome, request.ended_at, request.tokens) == ("client_gone", 3.05, 21)
    assert (request.first_at, request.status, request.stream, request.profile) == (1.0, 200, True, "slow")


def test_slow_reader_is_seen(jump: Any) -> None:
    app = create_app()
    body = json.dumps({"model": "mock-instant", "messages": HELLO, "stream": True}).encode()
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return parts.pop() if parts else await asyncio.sleep(1e6)

    async def send(message: Any) -> None:
        if message.get("more_body"):
            await asyncio.sleep(0.5)

    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}
    jump(app(scope, receive, send))
    (request,) = app.requests
    assert request.blocked == pytest.approx(0.5 * 53)
    assert request.late == pytest.approx(0.5 * 52)


def test_secrets_are_not_kept(chat: Any) -> None:
    app = create_app()
    sent = {name: "Bearer hidden-1" if name == "authorization" else "hidden-2" for name in SECRET_HEADERS}
    chat(app, headers={**sent, "x-goog-api-key": "hidden-3", "user-agent": "test"})
    (request,) = app.requests
    assert "hidden" not in json.dumps(request.data())
    assert request.headers["authorization"] == "Bearer ***"
    assert request.headers["user-agent"] == "test"


def test_list_over_http_and_reset(jump: Any, calls: Any) -> None:
    app = create_app(Settings(profile="instant", require_key=True))
    app.configure(quota="requests=1")
    listed = calls("/_mock/requests", method="GET")
    jump(calls("/v1/chat/completions", b"{}").run(app))
    jump(listed.run(app))
    (row,) = listed.json()["requests"]
    assert (row["status"], row["outcome"], row["path"]) == (401, "refused", "/v1/chat/completions")
    jump(calls("/_mock/reset", b"").run(app))
    assert (app.requests, app.overrides.data()) == ([], {})


def test_the_observer_is_told_which_attempt_it_is(jump: Any, calls: Any, observed: Any) -> None:
    app = create_app(Settings(profile="instant"), observe=observed)
    app.configure(rules=[{"times": 1, "fault": "error:status=503"}])
    body = json.dumps({"model": "gpt-5", "messages": [{"role": "user", "content": "x"}]}).encode()
    for _ in range(2):
        jump(calls("/v1/chat/completions", body).run(app))
    asked = [data for _, name, _, data in observed.seen if name == "request_received"]
    assert [(one["model"], one["attempt"]) for one in asked] == [("gpt-5", 1), ("gpt-5", 2)]
