"""Routing, mounting, and the controls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mock_llm.app import create_app
from mock_llm.profiles import ProfileError
from mock_llm.settings import Settings


def test_mounted_under_a_prefix(jump: Any, calls: Any) -> None:
    assert jump(calls("/v1/models", method="GET", root_path="/_llm").run(create_app())).status == 200


def test_lifespan_is_answered(jump: Any) -> None:
    sent: list[Any] = []
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    jump(create_app()({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_websocket_is_refused(jump: Any) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    jump(create_app()({"type": "websocket", "path": "/v1/realtime"}, receive, send))
    assert sent == ["websocket.close"]


def test_client_that_leaves_before_its_body_gets_nothing(jump: Any) -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}
    jump(create_app()(scope, receive, send))


def test_repeated_headers_are_joined(chat: Any) -> None:
    call = chat(headers={"X-Mock-LLM-Tokens": "3"})
    assert call.json()["usage"]["completion_tokens"] == 3


def profile_used(chat: Any, observed: Any, app: Any, **body: Any) -> Any:
    chat(app=app, gone_at=1e5, **body)
    return next(data["profile"] for _, name, _, data in reversed(observed.seen) if name == "request_received")


def test_profile_is_chosen_by_header_then_story_then_model_then_default(chat: Any, observed: Any) -> None:
    app = create_app(Settings(profile="fast"), observed)
    by_header = {"headers": {"x-mock-llm-profile": "slow"}}
    assert profile_used(chat, observed, app, model="gpt-5") == "fast"
    assert profile_used(chat, observed, app, model="mock-stalled") == "stalled"
    app.configure(models={"gpt-5": "bursty"})
    assert profile_used(chat, observed, app, model="gpt-5") == "bursty"
    assert profile_used(chat, observed, app, model="mock-stalled") == "stalled"
    app.configure(profile="hiccup", models={"gpt-5": "bursty"})
    assert profile_used(chat, observed, app, model="mock-stalled") == "hiccup"
    assert profile_used(chat, observed, app, model="gpt-5") == "bursty"
    assert profile_used(chat, observed, app, model="mock-stalled", **by_header) == "slow"
    app.configure()
    assert profile_used(chat, observed, app, model="gpt-5") == "fast"


def test_single_keys_are_replaced_by_story_and_header(chat: Any) -> None:
    app = create_app(Settings(profile="slow"))
    app.configure(first_token=2, tokens=3)
    assert chat(app=app, model="m").sent[-1][0] == 2.2
    assert chat(app=app, model="m", headers={"x-mock-llm-rate": "1"}).sent[-1][0] == 4.0
    assert chat(app=app, model="m", headers={"x-mock-llm-profile": "slow"}).sent[-1][0] == 40.0


def test_seed_is_taken_from_header_then_story_then_settings(chat: Any) -> None:
    def text(app: Any, **options: Any) -> Any:
        return chat(app=app, **options).json()["choices"][0]["message"]["content"]

    app = create_app(Settings(seed=5))
    settings = text(app)
    app.configure(seed=6)
    story = text(app)
    header = text(app, headers={"x-mock-llm-seed": "7"})
    assert len({settings, story, header}) == 3
    assert settings == text(create_app(), headers={"x-mock-llm-seed": "5"})


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"profile": "bogus"}, "unknown profile 'bogus'"),
        ({"models": {"m": "bogus"}}, "unknown profile 'bogus'"),
        ({"models": "m"}, "models must map"),
        (
            {"speed": 3},
            "unknown key 'speed'; there are: profile, models, seed, fault, quota, rules, first_token",
        ),
        ({"rate": 0}, "rate must be tokens per second"),
        ({"seed": "x"}, "seed must be a number"),
    ],
)
def test_configuration_that_cannot_be_changes_nothing(values: dict[str, Any], says: str) -> None:
    app = create_app()
    app.configure(profile="slow")
    with pytest.raises(ProfileError) as caught:
        app.configure(**values)
    assert says in str(caught.value)
    assert app.overrides.data() == {"profile": "slow"}


def test_unknown_default_profile_is_refused() -> None:
    with pytest.raises(ProfileError, match="unknown profile 'bogus'"):
        Settings(profile="bogus")


def test_configuration_by_http(jump: Any, calls: Any) -> None:
    app = create_app()

    def configure(method: str, body: bytes = b"") -> Any:
        return jump(calls("/_mock/configure", body, method).run(app))

    told = {"profile": "slow", "models": {"m": "fast"}, "seed": 3, "tokens": 5}
    assert configure("POST", json.dumps(told).encode()).json() == told
    assert configure("GET").json() == told
    assert configure("POST", b'{"rate": 0}').status == 400
    assert configure("POST", b"{").status == 400
    assert configure("POST", b"[]").status == 400
    assert configure("GET").json() == told
    assert configure("DELETE").json() == {}
    assert configure("GET").json() == {}


def test_profiles_by_http(jump: Any, calls: Any) -> None:
    data = jump(calls("/_mock/profiles", method="GET").run(create_app())).json()
    assert data["default"] == "typical"
    slow = next(row for row in data["profiles"] if row["name"] == "slow")
    assert (slow["first_token"], slow["rate"], slow["tokens"]) == (1.0, 10.0, 391)
