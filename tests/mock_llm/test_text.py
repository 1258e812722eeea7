"""Texts are a function of seed and length alone."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from mock_llm import text


def test_words_are_those_that_answers_were_made_of() -> None:
    """When this fails, a new Faker changed its list: every text changes, so it is a breaking change."""
    assert hashlib.sha256("\n".join(text.words()).encode()).hexdigest() == text.WORDS_SHA256


def test_text_of_a_seed_is_the_same_for_ever() -> None:
    said = "".join(text.tokens(text.derive("golden"), 24))
    assert said == (
        "May indeed federal form, place foot strategy reality heart bit group your floor. "
        "Democratic animal return news, fast receive box."
    )


@pytest.mark.parametrize("count", [*range(1, 60), 391])
def test_text_has_exactly_the_tokens_asked_for(count: int) -> None:
    for seed in range(5):
        said = text.tokens(seed, count)
        assert len(said) == count
        assert all(said)
        assert "".join(said)[-1] == "." or count == 1


def test_tokens_are_shaped_as_tokenizers_cut() -> None:
    said = text.tokens(1, 400)
    assert said[0][0].isupper()
    assert {",", ".", "\n\n"} <= set(said)
    after_break = [said[index + 1] for index, token in enumerate(said) if token == "\n\n"]
    assert all(token[0].isupper() for token in after_break)
    rest = [token for token in said[1:] if token not in (",", ".", "\n\n") and token not in after_break]
    assert all(token[0] == " " and token[1:].isalpha() for token in rest)


def test_seeds_depend_on_every_part_and_on_their_borders() -> None:
    seeds = {
        text.derive("a", "bc"),
        text.derive("ab", "c"),
        text.derive("a", "b", "c"),
        text.derive(1),
        text.derive("1"),
    }
    assert len(seeds) == 5


def test_text_does_not_depend_on_the_process() -> None:
    code = "from mock_llm.text import derive, tokens; print(tokens(derive(7, 'x'), 50))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("prompt", "count"), [("", 0), ("Hello", 1), ("Hello, world.", 4), ("a\n\nb", 3), ("é ü", 2)]
)
def test_prompt_tokens_are_counted_by_the_same_cut(prompt: str, count: int) -> None:
    assert text.count_tokens(prompt) == count
    said = "".join(text.tokens(3, 120))
    assert text.count_tokens(said) == 120


@pytest.mark.parametrize("count", [1, 5, 60, 391])
def test_a_text_can_be_read_in_any_order_and_in_parts(count: int) -> None:
    whole = tuple(text.tokens(9, count))
    text.tokens.cache_clear()
    said = text.tokens(9, count)
    assert said[-1] == whole[-1]
    assert [said[index] for index in reversed(range(count))] == list(reversed(whole))
    half, other = said[: count // 2], text.tokens(9, count)
    assert (len(half), tuple(half)) == (count // 2, whole[: count // 2])
    assert list(zip(said, other, strict=True)) == list(zip(whole, whole, strict=True))
    assert (said[1:], said[::-2], said[:-1]) == (whole[1:], whole[::-2], whole[:-1])
    assert said == whole
    with pytest.raises(IndexError):
        said[count]


def test_a_text_is_written_as_far_as_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    written, sentence = [], text._sentence
    monkeypatch.setattr(text, "_sentence", lambda *args: written.append(args) or sentence(*args))
    text.tokens.cache_clear()
    reading = iter(text.tokens(9, 400))
    assert not written
    next(reading)
    assert len(written) == 1
    assert len(list(reading)) == 399
    assert len(written) > 20
