"""Vectors for texts: the same for the same text on every machine, and near each other for texts that share words."""

from __future__ import annotations

import math
import random
from functools import lru_cache

from mock_llm.text import cut, derive


def embed(text: str, dimensions: int) -> list[float]:
    """A vector of length 1: the sum of one direction for each word, whatever its case and its place."""
    words = [word for token in cut(text) if (word := token.strip().lower())] or [""]
    total = [0.0] * dimensions
    for word in words:
        total = [a + b for a, b in zip(total, _direction(word, dimensions), strict=True)]
    length = math.sqrt(math.fsum(part * part for part in total)) or 1.0
    return [round(part / length, 8) for part in total]


@lru_cache(maxsize=2048)
def _direction(word: str, dimensions: int) -> tuple[float, ...]:
    draw = random.Random(derive("embedding", word)).random
    return tuple(draw() - 0.5 for _ in range(dimensions))
