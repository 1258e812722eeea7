"""Vectors: the same for the same text, near each other for texts that share words, in OpenAI's and Titan's shapes."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import openai
import pytest

from mock_llm.app import create_app
from mock_llm.embedding import embed

TITAN = "amazon.titan-embed-text-v2:0"


def near(one: list[float], other: list[float]) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def test_the_client_decodes_vectors_of_the_length_it_asked_for(serving: Any) -> None:
    async def main() -> Any:
        async with (
            serving(create_app()) as url,
            openai.AsyncOpenAI(base_url=url + "/v1", api_key="k", max_retries=0) as client,
        ):
            asked: Any = {"model": "text-embedding-3-large", "input": ["one", "two"]}
            # The client asks for base64 unless told otherwise.
            return await client.embeddings.create(**asked), await client.embeddings.create(
                **asked, dimensions=256, encoding_format="float"
            )

    usual, short = asyncio.run(main())
    assert [len(row.embedding) for row in usual.data] == [3072, 3072]
    assert [len(row.embedding) for row in short.data] == [256, 256]
    assert near(usual.data[0].embedding, usual.data[0].embedding) == pytest.approx(1, abs=1e-5)
    assert (usual.usage.prompt_tokens, usual.usage.total_tokens) == (2, 2)


def test_texts_that_share_words_are_near_each_other() -> None:
    sky, blue, cheese = (embed(text, 256) for text in ("The sky is blue", "a blue sky", "cheese and wine"))
    assert near(sky, blue) > 0.5 > 0.2 > abs(near(sky, cheese))
    assert embed("The sky is blue", 256) == sky


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": None}, "Missing required parameter: 'input'."),
        ({"input": []}, "Invalid 'input': empty array."),
        ({"input": "x", "encoding_format": "xml"}, "Supported values are: 'float', and 'base64'."),
        ({"input": "x", "dimensions": 0}, "Invalid 'dimensions': integer below minimum value."),
        ({"input": ["x"] * 2049}, "maximum length 2048, but got an array with length 2049"),
    ],
)
def test_what_cannot_be_embedded_is_refused(jump: Any, calls: Any, body: Any, message: str) -> None:
    raw = json.dumps({"model": "m", **body}).encode()
    call = jump(calls("/v1/embeddings", raw).run(create_app()))
    assert call.status == 400
    assert message in call.json()["error"]["message"]


def test_errors_come_in_place_of_vectors(jump: Any, calls: Any) -> None:
    headers = {"x-mock-llm-fault": "error:status=429,retry_after=3"}
    app = create_app()
    for path, body in (
        ("/v1/embeddings", {"model": "m", "input": "x"}),
        (f"/model/{TITAN}/invoke", {"inputText": "x"}),
    ):
        call = jump(calls(path, json.dumps(body).encode(), headers=headers).run(app))
        assert call.status == 429
    assert [one.fault for one in app.requests] == ["error", "error"]


def test_titan_embeds(jump: Any, calls: Any) -> None:
    def ask(model: str, **body: Any) -> Any:
        raw = json.dumps({"inputText": "The sky is blue", **body}).encode()
        return jump(calls(f"/model/{model}/invoke", raw).run(create_app()))

    answer = ask(TITAN, dimensions=256).json()
    assert answer["embedding"] == answer["embeddingsByType"]["float"] == embed("The sky is blue", 256)
    assert answer["inputTextTokenCount"] == 4
    assert len(ask(TITAN).json()["embedding"]) == 1024
    assert list(ask("amazon.titan-embed-text-v1").json()) == ["embedding", "inputTextTokenCount"]
    assert ask(TITAN, dimensions=3).status == 400


def test_vectors_are_paid_from_the_quota(jump: Any, calls: Any) -> None:
    app = create_app()
    app.configure(quota="requests=10,tokens=5")

    async def main() -> list[Any]:
        titan = {"inputText": "one two three four"}
        asked = [
            ("/v1/embeddings", {"model": "m", "input": ["one two", "three"]}),
            ("/v1/embeddings", {"model": "m", "input": ["one two", "three"]}),
            (f"/model/{TITAN}/invoke", titan),
            (f"/model/{TITAN}/invoke", titan),
        ]
        return [await calls(path, json.dumps(body).encode()).run(app) for path, body in asked]

    paid, refused, titan, throttled = jump(main())
    assert [call.status for call in (paid, refused, titan, throttled)] == [200, 429, 200, 429]
    assert dict(paid.sent[0][1]["headers"])[b"x-ratelimit-remaining-tokens"] == b"2"
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert dict(throttled.sent[0][1]["headers"])[b"x-amzn-errortype"] == b"ThrottlingException"
