"""The text of an answer: seeded, the same on every machine and every Python.

The words are those of Faker's English ``lorem`` provider. The drawing is not Faker's: its sentences come
from ``random.choices`` and change with its version, whereas ``random.Random.random`` is the one method of
which Python promises that a seed gives the same sequence for ever. A change of Faker's word list would
change every answer, so ``WORDS_SHA256`` pins it and a test compares.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import random
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import overload

WORDS_SHA256 = "0f5447ac8e3a43e053fac7693a8c3e586a664eb30fd352b5fa85f196b76cfd1c"
ID_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PAIRS = [first + second for second in ID_LETTERS for first in ID_LETTERS]

PIECE = re.compile(r"\n+|\s?\w+|\s?[^\w\s]|\s+")


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """The words that answers are made of, in Faker's order."""
    spec = importlib.util.find_spec("faker")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the mock model's words are those of Faker: pip install faker")
    # Read, not imported: an import of Faker looks through all of its languages, 0.1 s for one list.
    module = Path(spec.origin).parent / "providers" / "lorem" / "en_US" / "__init__.py"
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "word_list":
            return tuple(ast.literal_eval(node.value))
    raise ValueError(f"no word_list in {module}: this Faker is another than the one that was tested")


def derive(*parts: object) -> int:
    """A seed of 128 bits from anything whose ``repr`` is stable (numbers, strings, ``None``, bytes)."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:16])


def letters(number: int, count: int) -> str:
    """``count`` letters and digits made of a number."""
    pairs = []
    for _ in range((count + 1) // 2):
        number, pair = divmod(number, len(PAIRS))
        pairs.append(PAIRS[pair])
    return "".join(pairs)[:count]


class Prose(Sequence[str]):
    """Tokens of a text that is written sentence by sentence, as far as it is read.

    Most of an answer is read long after it was decided on, and some of it never.
    """

    __slots__ = ("_count", "_said", "_sentences")

    def __init__(self, sentences: Iterator[list[str]], said: list[str], count: int) -> None:
        self._sentences = sentences
        self._said = said
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        said, told = self._said, 0
        while told < self._count:
            if told == len(said):
                said += next(self._sentences)
            for token in said[told : self._count]:
                yield token
                told += 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._count)
            if (start, step) == (0, 1):  # the same text, cut short
                return Prose(self._sentences, self._said, max(0, stop))
            return tuple(self)[index]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        while len(self._said) <= index % self._count:
            self._said += next(self._sentences)
        return self._said[index % self._count]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Prose, tuple)) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


@lru_cache(maxsize=512)
def tokens(seed: int, count: int) -> Prose:
    """``count`` tokens that read as English-like prose and end with a full stop.

    Shaped as tokenizers of real models cut: a word carries the space before it, punctuation and paragraph
    breaks are tokens of their own. The joined tokens are the answer.
    """
    return Prose(_write(seed, count), [], count)


def count_tokens(text: str) -> int:
    """How many tokens a prompt counts, by the same cut as the answers (not a real model's tokenizer)."""
    return len(PIECE.findall(text))


def cut(text: str) -> tuple[str, ...]:
    """A text as tokens of the same cut; joined they are the text."""
    return tuple(PIECE.findall(text))


@lru_cache(maxsize=1)
def _spaced() -> tuple[str, ...]:
    return tuple(" " + word for word in words())


def _write(seed: int, count: int) -> Iterator[list[str]]:
    """The sentences, with the paragraph breaks after them."""
    rng, sentences, start = random.Random(seed), 0, ""
    while count > 0:
        length = min(count, 7 + _below(rng, 13))
        if count - length < 5:  # too short for a paragraph break and another sentence: make this one longer
            length = count
        said = _sentence(rng, length, start)
        sentences += 1
        start = " "
        count -= length
        if count > 5 and sentences % 4 == 0:
            said.append("\n\n")
            start = ""
            count -= 1
        yield said


def _sentence(rng: random.Random, length: int, start: str) -> list[str]:
    """``length`` tokens: words with one comma at most, and a full stop (a single token is a word)."""
    draw, vocabulary = rng.random, _spaced()
    size = len(vocabulary)
    comma = 4 + _below(rng, 4)
    said = [start + words()[int(draw() * size)].capitalize()]
    middle = max(0, length - 2)
    before = comma - 1 if comma < length - 3 else middle
    said += [vocabulary[int(draw() * size)] for _ in range(before)]
    if before < middle:
        said.append(",")
        said += [vocabulary[int(draw() * size)] for _ in range(middle - before - 1)]
    if length > 1:
        said.append(".")
    return said


def _below(rng: random.Random, limit: int) -> int:
    return int(rng.random() * limit)
