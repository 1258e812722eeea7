"""Structured outputs: answers follow the schema that the request gives, and schemas are checked as OpenAI does."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from mock_llm.app import create_app
from mock_llm.settings import Settings

ASK: Any = [{"role": "user", "content": "Where is it warm? Answer in JSON."}]
STRICT = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


class Sky(StrEnum):
    clear = "clear"
    cloudy = "cloudy"


class Place(BaseModel):
    name: str
    sky: Sky
    nearby: list[str]


class Weather(BaseModel):
    places: list[Place]
    degrees: float
    sure: bool


@pytest.fixture
def client(serving: Any) -> Any:
    """Run ``work(client)``."""

    def run(work: Any) -> Any:
        async def main() -> Any:
            async with (
                serving(create_app(Settings(profile="instant"))) as url,
                openai.AsyncOpenAI(base_url=url + "/v1", api_key="k", max_retries=0) as client,
            ):
                return await work(client)

        return asyncio.run(main())

    return run


def test_the_client_parses_a_chat_completion(client: Any) -> None:
    answer = client(
        lambda c: c.chat.completions.parse(model="m", messages=ASK, response_format=Weather)
    ).choices[0]
    assert isinstance(answer.message.parsed, Weather)
    assert answer.message.parsed.places[0].sky in Sky
    assert answer.finish_reason == "stop"


def test_the_client_parses_a_streamed_chat_completion(client: Any) -> None:
    async def work(c: Any) -> Any:
        async with c.chat.completions.stream(model="m", messages=ASK, response_format=Weather) as stream:
            deltas = [event.delta async for event in stream if event.type == "content.delta"]
            return deltas, await stream.get_final_completion()

    deltas, final = client(work)
    assert len(deltas) > 10
    assert json.loads("".join(deltas)) == json.loads(final.choices[0].message.parsed.model_dump_json())


def test_the_client_parses_a_response(client: Any) -> None:
    answer = client(lambda c: c.responses.parse(model="m", input="Where is it warm?", text_format=Weather))
    assert isinstance(answer.output_parsed, Weather)


def test_json_without_a_schema_is_about_as_long_as_prose(chat: Any) -> None:
    call = chat(messages=ASK, response_format={"type": "json_object"})
    assert list(json.loads(call.json()["choices"][0]["message"]["content"])) == ["answer"]
    assert 40 <= call.json()["usage"]["completion_tokens"] <= 60


def test_json_that_is_cut_short_is_half_a_json(chat: Any) -> None:
    call = chat(
        messages=ASK,
        max_tokens=5,
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": STRICT}},
    )
    choice = call.json()["choices"][0]
    assert choice["finish_reason"] == "length"
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        json.loads(choice["message"]["content"])


def json_schema(**told: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "w", "strict": True, "schema": STRICT, **told}}


OPEN = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
REFUSED: list[tuple[Any, str, str]] = [
    ("json", "Invalid type for 'response_format': expected an object", "response_format"),
    ({}, "Missing required parameter: 'response_format.type'.", "response_format.type"),
    (
        {"type": "xml"},
        "Supported values are: 'text', 'json_object', and 'json_schema'.",
        "response_format.type",
    ),
    ({"type": "json_schema"}, "'response_format.json_schema'.", "response_format.json_schema"),
    (
        {"type": "json_schema", "json_schema": {"schema": {}}},
        "'response_format.json_schema.name'.",
        "response_format.json_schema.name",
    ),
    (
        json_schema(name="a b"),
        "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        "response_format.json_schema.name",
    ),
    (
        json_schema(schema={"type": "array"}),
        "Invalid schema for response_format 'w': schema must be a JSON Schema of 'type: \"object\"', got "
        "'type: \"array\"'.",
        "response_format",
    ),
    (
        json_schema(schema=OPEN),
        "Invalid schema for response_format 'w': In context=(), 'additionalProperties' is required to be supplied "
        "and to be false.",
        "response_format",
    ),
    (
        json_schema(schema={**STRICT, "required": []}),
        "In context=(), 'required' is required to be supplied and to be an array including every key in properties. "
        "Missing 'city'.",
        "response_format",
    ),
    (
        json_schema(
            schema={**STRICT, "properties": {"rows": {"type": "array", "items": OPEN}}, "required": ["rows"]}
        ),
        "In context=('properties', 'rows', 'items'), 'additionalProperties' is required",
        "response_format",
    ),
]


@pytest.mark.parametrize(("form", "message", "param"), REFUSED)
def test_what_is_no_form_is_refused(chat: Any, form: Any, message: str, param: str) -> None:
    call = chat(messages=ASK, response_format=form)
    assert call.status == 400
    assert message in call.json()["error"]["message"]
    assert call.json()["error"]["param"] == param


def test_a_schema_that_is_not_strict_need_not_name_all(chat: Any) -> None:
    assert chat(messages=ASK, response_format=json_schema(schema=OPEN, strict=False)).status == 200
