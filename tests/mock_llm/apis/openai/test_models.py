"""Models are the profiles; any other name is a model too."""

from __future__ import annotations

from typing import Any

from mock_llm.app import create_app


def test_every_profile_is_a_model(jump: Any, calls: Any) -> None:
    listed = jump(calls("/v1/models", method="GET").run(create_app())).json()
    assert listed["object"] == "list"
    assert {"mock-slow", "mock-stalled", "mock-instant"} <= {model["id"] for model in listed["data"]}
    assert all(model["object"] == "model" for model in listed["data"])


def test_one_model(jump: Any, calls: Any) -> None:
    assert jump(calls("/v1/models/gpt-5", method="GET").run(create_app())).json()["id"] == "gpt-5"
    missing = jump(calls("/v1/models/mock-bogus", method="GET").run(create_app()))
    assert missing.status == 404
    assert missing.json()["error"]["code"] == "model_not_found"
