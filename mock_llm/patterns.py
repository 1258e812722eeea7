"""A text that a regular expression of a JSON schema matches, drawn from a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from typing import Any

from re import _parser as parser  # type: ignore[attr-defined]  # isort: skip

MORE = 4  # repetitions beyond the least, where the expression sets no limit
PRINTABLE = [chr(number) for number in range(33, 127)]
CATEGORIES = {
    "CATEGORY_DIGIT": "0123456789",
    "CATEGORY_WORD": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
    "CATEGORY_SPACE": " ",
}


def matching(pattern: str, rng: random.Random) -> str | None:
    """A text that matches; ``None`` for what is no regular expression of Python's, or looks around itself."""
    try:
        said = "".join(_draw(parser.parse(pattern), rng, {}))
        return said if re.search(pattern, said) else None
    except (re.error, RecursionError, OverflowError):
        return None


def _draw(parsed: Iterable[Any], rng: random.Random, groups: dict[int, str]) -> Iterable[str]:
    for operation, value in parsed:
        name = str(operation)
        if name == "LITERAL":
            yield chr(value)
        elif name in ("ANY", "NOT_LITERAL"):
            yield _one([letter for letter in PRINTABLE if ord(letter) != value], rng)
        elif name == "IN":
            yield _one(_letters(value), rng)
        elif name.endswith("_REPEAT"):
            low, high, inner = value
            count = low + int(rng.random() * (min(high, low + MORE) - low + 1))
            for _ in range(min(count, 10_000)):
                yield from _draw(inner, rng, groups)
        elif name == "SUBPATTERN":
            said = "".join(_draw(value[-1], rng, groups))
            groups[value[0]] = said
            yield said
        elif name == "BRANCH":
            yield from _draw(_one(value[1], rng), rng, groups)
        elif name == "GROUPREF":
            yield groups.get(value, "")


def _letters(members: list[Any]) -> list[str]:
    found: set[str] = set()
    negated = False
    for operation, value in members:
        name = str(operation)
        negated = negated or name == "NEGATE"
        if name == "LITERAL":
            found.add(chr(value))
        elif name == "RANGE":
            found.update(map(chr, range(value[0], min(value[1], value[0] + 255) + 1)))
        elif name == "CATEGORY":
            kind = str(value)
            letters = set(CATEGORIES[kind.replace("_NOT_", "_")])
            found |= set(PRINTABLE) - letters if "_NOT_" in kind else letters
    return [letter for letter in PRINTABLE if letter not in found] if negated else sorted(found)


def _one(values: list[Any], rng: random.Random) -> Any:
    return values[int(rng.random() * len(values))] if values else ""
