"""Profiles are read from TOML, JSON and headers by one set of rules, with errors that say what and where."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from mock_llm.pace import Jitter, Profile
from mock_llm.profiles import READERS, ProfileError, apply, describe, load_profiles

BASE = Profile("base")


def test_built_in_profiles_say_what_they_are_and_where_their_numbers_come_from() -> None:
    profiles = load_profiles()
    assert {"instant", "fast", "slow", "stalled"} <= set(profiles)
    for profile in profiles.values():
        assert profile.about, profile.name
        assert profile.source.startswith(("measured", "built")), profile.name


def test_numbers_are_read_as_decimals_whether_text_or_number() -> None:
    for value in (0.1, "0.1", " 0.1 "):
        assert apply(BASE, {"first_token": value}).first_token == 100_000
    assert apply(BASE, {"rate": 3}).gap == Fraction(1_000_000, 3)
    assert apply(BASE, {"rate": "inf"}).gap == 0
    assert apply(BASE, {"tokens": "12"}).tokens == 12
    assert apply(BASE, {"jitter": "lognormal:0.25"}).jitter == Jitter("lognormal", 0.25)
    assert apply(BASE, {"stall_after": 3, "stall": "forever"}).stall is None
    assert apply(BASE, {"stall_after": 3, "stall": 1.5}).stall == 1_500_000


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("first_token", "soon", "must be a number, not 'soon'"),
        ("first_token", -1, "must be seconds between 0 and 604800, not -1"),
        ("first_token", "nan", "must be a number"),
        ("first_token", True, "must be a number"),
        ("first_token", None, "must be a number"),
        ("first_token", "1e400", "must be seconds"),
        ("rate", 0, "must be tokens per second"),
        ("rate", "-inf", "must be tokens per second"),
        ("tokens", 0, "must be a whole number from 1 to 1000000, not 0"),
        ("tokens", "1.5", "must be a whole number"),
        ("jitter", "gauss:1", "must be none, uniform:W"),
        ("jitter", "uniform:2", "must be none, uniform:W"),
        ("jitter", "lognormal", "must be none, uniform:W"),
        ("burst", 0, "must be a whole number"),
        ("stall", 3, "needs stall_after"),
        ("pace", 3, "unknown key 'pace'; there are: about, source, first_token"),
    ],
)
def test_bad_values_are_refused_by_name(key: str, value: Any, says: str) -> None:
    with pytest.raises(ProfileError) as caught:
        apply(BASE, {key: value})
    assert says in str(caught.value)
    assert key in str(caught.value)


def test_errors_of_a_file_name_file_profile_and_key(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    for content, says in [
        ("[quick]\nrate = 0\n", f"{file}: [quick] rate must be tokens per second"),
        ("quick = 3\n", f"{file}: 'quick' is not a table"),
        ("[quick\n", f"{file}: Expected ']'"),
    ]:
        file.write_text(content)
        with pytest.raises(ProfileError) as caught:
            load_profiles(file)
        assert says in str(caught.value)
    with pytest.raises(ProfileError, match="No such file"):
        load_profiles(tmp_path / "none.toml")


def test_description_reads_back_as_the_same_profile() -> None:
    for profile in load_profiles().values():
        row = json.loads(json.dumps(describe(profile)))
        assert row.pop("name") == profile.name
        if row["stall"] is None:
            del row["stall"], row["stall_after"]
        assert set(row) <= set(READERS)
        assert apply(Profile(profile.name), row) == profile
