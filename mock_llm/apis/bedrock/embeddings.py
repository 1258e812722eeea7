"""InvokeModel of Titan Text Embeddings: the bodies of Bedrock's user guide (titan-embed-text).

Version 2 answers with 1,024, 512 or 256 numbers, version 1 with 1,536.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mock_llm.apis.bedrock.errors import invalid
from mock_llm.embedding import embed
from mock_llm.text import count_tokens

MODEL = re.compile(r"(^|[./])amazon\.titan-embed-text-(v\d)")
SIZES = (256, 512, 1024)
FIRST_SIZE = 1536


def means_embedding(model: str) -> bool:
    """Whether a model makes vectors and no text."""
    return MODEL.search(model) is not None


def answer(model: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the answer. Raises ``RefusedError``."""
    text = data.get("inputText")
    if not isinstance(text, str) or not text:
        raise invalid("Malformed input request: #: required key [inputText] not found or empty")
    match = MODEL.search(model)
    if match is None or match[2] == "v1":
        return {"embedding": embed(text, FIRST_SIZE), "inputTextTokenCount": count_tokens(text)}
    size = data.get("dimensions", SIZES[-1])
    if size not in SIZES:
        raise invalid(f"Malformed input request: #/dimensions: {size!r} is not one of {SIZES}")
    kinds = data.get("embeddingTypes", ["float"])
    if kinds != ["float"]:
        raise invalid(f"embeddingTypes {kinds!r}: the mock model gives floats alone")
    vector = embed(text, size)
    told = {"embedding": vector, "embeddingsByType": {"float": vector}}
    return {**told, "inputTextTokenCount": count_tokens(text)}
