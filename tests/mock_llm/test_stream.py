"""Frames leave at their due instants, whatever happens around them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mock_llm.app import create_app
from mock_llm.settings import Settings

STEADY = {"x-mock-llm-first-token": "0.1", "x-mock-llm-rate": "10", "x-mock-llm-tokens": "289"}


def content_instants(call: Any) -> list[float]:
    return [at for at, event in call.events()[1:] if event != "[DONE]" and event["choices"][0]["delta"]]


def test_every_token_leaves_at_its_exact_instant(chat: Any) -> None:
    call = chat(stream=True, headers=STEADY)
    assert content_instants(call) == [round(0.1 * (index + 1), 1) for index in range(289)]
    assert call.events()[-1] == (28.9, "[DONE]")
    assert call.sent[-1] == (28.9, {"type": "http.response.body", "body": b""})


def test_headers_and_role_leave_with_the_first_token(chat: Any) -> None:
    call = chat(stream=True, headers=STEADY)
    assert [at for at, _ in call.sent[:3]] == [0.1, 0.1, 0.1]


def test_instants_count_from_the_request_not_from_the_loop(jump: Any, calls: Any) -> None:
    async def main() -> Any:
        await asyncio.sleep(0.2)
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
        return await calls("/v1/chat/completions", body.encode(), headers=STEADY).run(create_app())

    assert content_instants(jump(main()))[:3] == [0.3, 0.4, 0.5]


def test_slow_client_delays_its_own_tokens_and_no_later_ones(jump: Any) -> None:
    """After a send that blocked for 1 s the overdue tokens leave at once, the next one on time."""

    async def main() -> Any:
        loop, sent = asyncio.get_running_loop(), []
        body = json.dumps(
            {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
        ).encode()
        requests = [{"type": "http.request", "body": body}]

        async def receive() -> Any:
            if not requests:
                await asyncio.sleep(1000)
            return requests.pop()

        async def send(message: Any) -> None:
            sent.append(loop.time())
            if len(sent) == 5:  # start, role, three tokens
                await asyncio.sleep(1.05)

        headers = [(name.encode(), value.encode()) for name, value in STEADY.items()]
        scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": headers}
        await create_app()(scope, receive, send)
        return sent

    late = 0.3 + 1.05
    assert jump(main())[2:16] == pytest.approx([0.1, 0.2, 0.3, *[late] * 10, 1.4])


def test_whole_answer_comes_when_its_last_token_is_due(chat: Any) -> None:
    call = chat(headers=STEADY)
    assert [at for at, _ in call.sent] == [28.9, 28.9]
    assert call.json()["usage"]["completion_tokens"] == 289


@pytest.mark.parametrize(
    ("stream", "gone_at", "tokens"), [(True, 0.35, 3), (True, 0.05, 0), (False, 12.0, 0)]
)
def test_generation_stops_when_the_client_goes(
    chat: Any, observed: Any, stream: bool, gone_at: float, tokens: int
) -> None:
    call = chat(create_app(observe=observed), stream=stream, headers=STEADY, gone_at=gone_at)
    assert observed.seen[-1][:2] == (gone_at, "client_gone")
    assert observed.seen[-1][3] == {"tokens": tokens}
    assert observed.names().count("token_emitted") == tokens
    assert all(at <= gone_at for at, _ in call.sent)
    assert len(call.sent) == (tokens + 2 if tokens else 0)


@pytest.mark.parametrize("stream", [True, False])
def test_stalled_answer_lasts_until_the_client_goes(chat: Any, observed: Any, stream: bool) -> None:
    chat(create_app(observe=observed), model="mock-stalled", stream=stream, gone_at=3600.0)
    at, name, _, data = observed.seen[-1]
    assert (at, name, data["tokens"]) == (3600.0, "client_gone", 20 if stream else 0)


def test_silent_model_sends_not_even_headers(chat: Any) -> None:
    assert chat(model="mock-silent", stream=True, gone_at=60.0).sent == []


def test_answer_that_ends_before_the_stall_is_whole(chat: Any) -> None:
    call = chat(model="mock-stalled", stream=True, max_tokens=20)
    assert call.events()[-1] == (1.45, "[DONE]")


def test_observer_is_told_every_hop_at_its_instant(chat: Any, observed: Any) -> None:
    headers = {**STEADY, "x-mock-llm-tokens": "3"}
    call = chat(create_app(observe=observed), stream=True, headers=headers)
    assert [(at, name) for at, name, _, _ in observed.seen] == [
        (0.0, "request_received"),
        (0.1, "token_emitted"),
        (0.2, "token_emitted"),
        (0.3, "token_emitted"),
        (0.3, "completed"),
    ]
    received = observed.seen[0][3]
    assert (received["api"], received["profile"], len(received["prompt_sha"])) == (
        "openai.chat",
        "instant",
        64,
    )
    assert [data["index"] for _, name, _, data in observed.seen if name == "token_emitted"] == [0, 1, 2]
    assert {stream for _, _, stream, _ in observed.seen} == {call.events()[0][1]["id"]}


def test_server_that_gives_up_the_request_is_a_client_that_went(jump: Any, calls: Any, observed: Any) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}).encode()

    async def main() -> None:
        task = asyncio.create_task(
            calls("/v1/chat/completions", body, headers=STEADY).run(create_app(observe=observed))
        )
        await asyncio.sleep(0.25)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not [other for other in asyncio.all_tasks() if other is not asyncio.current_task()]

    jump(main())
    assert observed.seen[-1][1:] == ("client_gone", observed.seen[0][2], {"tokens": 2})


def test_five_hundred_streams_keep_to_their_schedules(jump: Any, calls: Any) -> None:
    app = create_app(Settings(profile="jittery"))

    async def main() -> Any:
        bodies = [
            json.dumps(
                {
                    "model": "m",
                    "messages": [{"role": "user", "content": f"{n}"}],
                    "stream": True,
                    "max_tokens": 30,
                }
            )
            for n in range(500)
        ]
        return await asyncio.gather(
            *(calls("/v1/chat/completions", body.encode()).run(app) for body in bodies)
        )

    first = jump(main())
    assert {content_instants(call)[0] for call in first} == {0.9}
    assert len({tuple(content_instants(call)) for call in first}) == 500
    app = create_app(Settings(profile="jittery"))
    assert [call.sent for call in jump(main())] == [call.sent for call in first]
