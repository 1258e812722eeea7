"""``POST /v1/embeddings``: vectors at once; how long a real model takes for them is not emulated.

Lengths as in OpenAI's guide to embeddings: 3,072 of ``text-embedding-3-large``, 1,536 of the others.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mock_llm.answering import refuse_as_told
from mock_llm.apis.openai import errors, fields
from mock_llm.embedding import embed
from mock_llm.text import count_tokens
from mock_llm.wire import Exchange

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

LARGE, USUAL = 3072, 1536
MOST = 2048  # inputs of a request, and elements of an array of tokens


async def embeddings(app: MockLLM, exchange: Exchange) -> None:
    """Answer with a vector for each input. Raises ``RefusedError``."""
    app.check_key(exchange)
    data = fields.json_object(await exchange.body(app.settings.max_body))
    model = data.get("model")
    if not isinstance(model, str) or not model:
        raise errors.no_model()
    texts = _texts(data)
    size = fields.number(data, "dimensions", 1, LARGE) or (LARGE if model.endswith("-large") else USUAL)
    encoding = data.get("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise errors.wrong_value("encoding_format", encoding, ["float", "base64"])
    read = sum(max(1, count_tokens(text)) for text in texts)
    told = refuse_as_told(app, exchange, "openai.embeddings", model, fields.digest(texts), read=read)
    rows = [
        {"object": "embedding", "index": index, "embedding": _encoded(embed(text, size), encoding)}
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": read, "total_tokens": read}
    answer = {"object": "list", "data": rows, "model": model, "usage": usage}
    await exchange.respond_json(200, answer, told)


def _texts(data: Mapping[str, Any]) -> list[str]:
    """The inputs; tokens stand for themselves, as their meaning is not known here."""
    given = data.get("input")
    if given is None:
        raise errors.missing("input")
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list):
        raise errors.wrong_type("input", "one of a string or array", given)
    if not given:
        raise errors.empty_array("input")
    if len(given) > MOST:
        raise errors.too_long_array("input", MOST, len(given))
    if all(isinstance(row, int) and not isinstance(row, bool) for row in given):
        given = [given]
    for index, row in enumerate(given):
        if not isinstance(row, (str, list)):
            raise errors.wrong_type(f"input[{index}]", "one of a string or array", row)
    return [row if isinstance(row, str) else " ".join(map(str, row)) for row in given]


def _encoded(vector: list[float], encoding: str) -> list[float] | str:
    if encoding == "float":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
