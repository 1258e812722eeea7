"""Rules say what is answered and which tools are called, in every API, streamed and whole, turn after turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import openai
import pytest
from botocore.config import Config

from mock_llm.app import create_app
from mock_llm.profiles import ProfileError
from mock_llm.rules import load_rules
from mock_llm.settings import Settings

WEATHER = [
    {
        "name": "asks",
        "when": {"prompt": "weather", "turn": 1},
        "answer": {
            "text": "Let me look.",
            "calls": [
                {"tool": "get_weather", "arguments": {"city": "Paris", "days": 2}},
                {"tool": "get_time", "arguments": {}},
            ],
        },
    },
    {"name": "tells", "when": {"tool_result": "18 degrees"}, "answer": "It is 18 degrees in Paris."},
]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 9}},
}
PARIS = {"city": "Paris", "days": 2}


@pytest.fixture
def using(serving: Any) -> Callable[..., Any]:
    """Run ``work(url)`` in a thread against a mock model with these rules."""

    def run(work: Callable[[str], Any], rules: Any = WEATHER) -> Any:
        async def main() -> Any:
            app = create_app(Settings(profile="instant"))
            app.configure(rules=rules)
            async with serving(app) as url:
                return await asyncio.to_thread(work, url), app

        return asyncio.run(main())

    return run


def bedrock(url: str) -> Any:
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_openai_chat_calls_tools_then_answers(using: Any) -> None:
    tools: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]

    def work(url: str) -> Any:
        client = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
        said: Any = [{"role": "user", "content": "What is the weather?"}]
        with client.chat.completions.stream(model="m", messages=said, tools=tools) as stream:
            streamed = stream.get_final_completion().choices[0]
        whole = client.chat.completions.create(model="m", messages=said, tools=tools).choices[0]
        call = whole.message.tool_calls[0]  # type: ignore[index]
        result = {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"}
        said += [whole.message.model_dump(exclude_none=True), result]
        return streamed, whole, client.chat.completions.create(model="m", messages=said, tools=tools)

    (streamed, whole, final), app = using(work)
    for choice in (streamed, whole):
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content == "Let me look."
        names = [
            (call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls
        ]
        assert names == [("get_weather", PARIS), ("get_time", {})]
        assert all(call.id.startswith("call_") for call in choice.message.tool_calls)
    assert final.choices[0].message.content == "It is 18 degrees in Paris."
    assert [request.rule for request in app.requests] == ["asks", "asks", "tells"]


def test_openai_responses_calls_tools_then_answers(using: Any) -> None:
    def work(url: str) -> Any:
        client = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
        said: Any = [{"role": "user", "content": "What is the weather?"}]
        with client.responses.stream(model="m", input=said) as stream:
            events = list(stream)
            streamed = stream.get_final_response()
        whole = client.responses.create(model="m", input=said)
        said += [item.model_dump() for item in whole.output if item.type == "function_call"]
        said.append({"type": "function_call_output", "call_id": said[-1]["call_id"], "output": "18 degrees"})
        return events, streamed, whole, client.responses.create(model="m", input=said)

    (events, streamed, whole, final), _ = using(work)
    assert [event.sequence_number for event in events if hasattr(event, "sequence_number")][:3] == [0, 1, 2]
    for response in (streamed, whole):
        message, call, time = response.output
        assert message.content[0].text == "Let me look."
        assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "get_weather", PARIS)
        assert (time.name, time.arguments) == ("get_time", "{}")
    assert final.output_text == "It is 18 degrees in Paris."


def test_converse_calls_tools_then_answers(using: Any) -> None:
    def work(url: str) -> Any:
        client = bedrock(url)
        said: Any = [{"role": "user", "content": [{"text": "What is the weather?"}]}]
        events = list(client.converse_stream(modelId="x", messages=said)["stream"])
        whole = client.converse(modelId="x", messages=said)
        message = whole["output"]["message"]
        use = message["content"][1]["toolUse"]
        result = {"toolUseId": use["toolUseId"], "content": [{"json": {"now": "18 degrees"}}]}
        said += [message, {"role": "user", "content": [{"toolResult": result}]}]
        return events, whole, client.converse(modelId="x", messages=said)

    (events, whole, final), _ = using(work)
    text, use, time = whole["output"]["message"]["content"]
    assert (text["text"], use["toolUse"]["input"], time["toolUse"]["name"]) == (
        "Let me look.",
        PARIS,
        "get_time",
    )
    assert whole["stopReason"] == "tool_use"
    start = [event["contentBlockStart"] for event in events if "contentBlockStart" in event]
    assert [block["contentBlockIndex"] for block in start] == [1, 2]
    assert start[0]["start"]["toolUse"]["name"] == "get_weather"
    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
    said = "".join(d["delta"]["toolUse"]["input"] for d in deltas if d["contentBlockIndex"] == 1)
    assert json.loads(said) == PARIS
    assert [e["contentBlockStop"]["contentBlockIndex"] for e in events if "contentBlockStop" in e] == [
        0,
        1,
        2,
    ]
    assert final["output"]["message"]["content"] == [{"text": "It is 18 degrees in Paris."}]


def test_invoke_model_has_calls_in_its_own_shapes_or_says_that_there_are_none(using: Any) -> None:
    nova = {"messages": [{"role": "user", "content": [{"text": "weather"}]}]}
    claude = {
        "anthropic_version": "b",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "weather"}],
    }

    def work(url: str) -> Any:
        client = bedrock(url)

        def ask(model: str, body: Any) -> Any:
            return json.loads(client.invoke_model(modelId=model, body=json.dumps(body))["body"].read())

        with pytest.raises(client.exceptions.ValidationException, match="no calls of tools"):
            ask("meta.llama3-8b-instruct-v1:0", {"prompt": "weather"})
        return ask("amazon.nova-lite-v1:0", nova), ask("anthropic.claude-3-haiku-20240307-v1:0", claude)

    (by_nova, by_claude), _ = using(work)
    assert by_nova["output"]["message"]["content"][1]["toolUse"]["input"] == PARIS
    assert by_claude["content"][1]["input"] == PARIS
    assert by_claude["stop_reason"] == "tool_use"


def test_demanded_tool_is_called_with_arguments_of_its_schema(using: Any) -> None:
    tools: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]

    def work(url: str) -> Any:
        client = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
        named = {"type": "function", "function": {"name": "get_weather"}}
        ask: Any = {"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": tools}
        return [
            client.chat.completions.create(**ask, tool_choice=c).choices[0]
            for c in ("required", named, named)
        ]

    (required, named, again), _ = using(work, [])
    arguments = json.loads(required.message.tool_calls[0].function.arguments)
    assert isinstance(arguments["city"], str)
    assert 0 <= arguments["days"] <= 9
    assert (required.finish_reason, named.finish_reason) == ("tool_calls", "stop")
    assert required.message.content is None
    assert named.message.tool_calls[0].function == again.message.tool_calls[0].function


def test_scripted_answer_keeps_the_schedule_and_the_limit(chat: Any, text_of: Any) -> None:
    app = create_app()
    app.configure(rules=[{"answer": "One two three four.", "pace": {"first_token": 1, "rate": 10}}])
    events = chat(app, stream=True).events()
    assert text_of(events) == "One two three four."
    assert [at for at, event in events if isinstance(event, dict)][-1] == 1.4
    short = chat(app, max_tokens=2).json()["choices"][0]
    assert (short["message"]["content"], short["finish_reason"]) == ("One two", "length")


def test_rule_fits_so_many_times_and_may_fail(chat: Any) -> None:
    app = create_app()
    app.configure(rules=[{"times": 2, "fault": "error:status=503"}, {"answer": "Well."}])
    assert [chat(app).status for _ in range(4)] == [503, 503, 200, 200]
    assert app.overrides.data()["rules"][0] == {"fault": "error:status=503", "times": 2}


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({"prompt": "^hel+o$"}, True),
        ({"prompt": "bye"}, False),
        ({"turn": 2}, False),
        ({"model": "mock-*"}, True),
        ({"model": "gpt-*"}, False),
        ({"api": "openai.*"}, True),
        ({"stream": True}, False),
        ({"tool": "get_weather"}, False),
        ({"tool_result": "."}, False),
        ({"system": "pirate"}, False),
    ],
)
def test_rule_looks_at_the_request(chat: Any, when: dict[str, Any], fits: bool) -> None:
    app = create_app()
    app.configure(rules=[{"when": when, "answer": "It fits."}])
    assert (chat(app).json()["choices"][0]["message"]["content"] == "It fits.") is fits


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "rules:\n  - answer: Hi\n  - when:\n      promt: x\n",
            ":4: when.promt: Extra inputs are not permitted",
        ),
        ("rules:\n  - when: {prompt: '('}\n", ":2: when.prompt: no regular expression"),
        ("- answer: a\n- fault: bogus\n", ":2: unknown fault 'bogus'"),
        ("- answer: a\n- pace: {speed: 3}\n", ":2: unknown key 'speed'"),
        ("rules: [\n", "rules.yaml:2: expected the node content"),
        ("hello: 1\n", ":1: a rule file is 'rules:'"),
        ("- replay: none.jsonl\n", "none.jsonl: "),
        ("- {answer: a, replay: b}\n", ":1: a rule has answer or replay, not both"),
    ],
)
def test_rule_file_that_cannot_be_is_refused_by_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    with pytest.raises(ProfileError) as caught:
        load_rules(file)
    assert says in str(caught.value)


def test_rule_with_an_unknown_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="unknown profile 'bogus'"):
        create_app().configure(rules=[{"pace": {"profile": "bogus"}}])
