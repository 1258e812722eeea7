"""Limits on a day: values, absence, overrides, errors for users."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from sandbox.limits import (
    AsOfError,
    LimitAbsentError,
    Limits,
    OverrideError,
    UnknownLimitError,
    parse_as_of,
)

NOW = Limits(date(2026, 11, 24))
MAY_2024 = Limits(date(2024, 5, 1))


def test_the_values_of_the_day_are_played() -> None:
    assert MAY_2024.value("lambda.stream.payload") == 20 * 1024**2
    assert NOW.value("lambda.stream.payload") == 200 * 1024**2
    assert MAY_2024.value("lambda.payload.async") == 256 * 1024
    assert NOW.value("lambda.payload.async") == 1024**2


def test_a_change_takes_effect_on_its_day() -> None:
    eve, day = Limits(date(2025, 11, 18)), Limits(date(2025, 11, 19))
    assert not eve.available("api_rest.streaming.available")
    assert day.available("api_rest.streaming.available")
    assert day["api_rest.streaming.available"].since == date(2025, 11, 19)


def test_a_flag_that_is_false_is_not_available() -> None:
    assert not MAY_2024.available("api_rest.integration_timeout.raisable")
    assert NOW.available("api_rest.integration_timeout.raisable")
    assert not NOW.available("api_http.streaming.available")


def test_the_value_of_a_thing_that_did_not_exist_is_an_error_that_says_since_when() -> None:
    with pytest.raises(LimitAbsentError, match="did not exist on 2024-05-01, only since 2025-11-19"):
        MAY_2024.value("api_rest.stream.duration")


def test_the_grade_is_that_of_the_value_that_held() -> None:
    assert MAY_2024["lambda.payload.async"].grade == "A"
    assert NOW["lambda.payload.async"].grade == "S"


@pytest.mark.parametrize("name", ["lambda.timeout.maximum", "lamda.timeout.max"])
def test_an_unknown_name_gets_near_ones(name: str) -> None:
    with pytest.raises(UnknownLimitError) as caught:
        NOW.value(name)
    assert "lambda.timeout.max" in caught.value.near
    assert str(caught.value).startswith(f"there is no limit '{name}'; did you mean ")


def test_an_unknown_name_without_a_near_one_stays_short() -> None:
    with pytest.raises(KeyError) as caught:
        NOW.row("zzzzzz")
    assert str(caught.value) == "there is no limit 'zzzzzz'"


def test_a_quota_can_be_raised() -> None:
    raised = Limits(date(2026, 11, 24), {"lambda.concurrency.account": 5000})
    assert raised.value("lambda.concurrency.account") == 5000
    assert raised["lambda.concurrency.account"].overridden
    assert not NOW["lambda.concurrency.account"].overridden


@pytest.mark.parametrize(
    ("as_of", "name", "value", "problem"),
    [
        ("2026-11-24", "lambda.timeout.max", 1000, "is 900 s and AWS does not raise it"),
        (
            "2024-05-01",
            "api_rest.integration_timeout.max_without_quota",
            60,
            "could not be raised on 2024-05-01",
        ),
        ("2026-11-24", "api_rest.integration_timeout.max_without_quota", 5, "must be at least 29 s, not 5"),
        ("2026-11-24", "api_http.integration_timeout.default", 31, "must be at most 30 s, not 31"),
        ("2026-11-24", "lambda.concurrency.account", "many", r"must be like 1000 \(count\), not 'many'"),
        ("2026-11-24", "lambda.concurrency.account", True, "must be like 1000"),
    ],
)
def test_an_override_that_aws_would_not_grant_is_refused(
    as_of: str, name: str, value: object, problem: str
) -> None:
    with pytest.raises(OverrideError, match=problem):
        Limits(parse_as_of(as_of), {name: value})


def test_an_override_of_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownLimitError, match=r"lambda\.concurrency\.acount"):
        Limits(date(2026, 11, 24), {"lambda.concurrency.acount": 1})


def test_the_raised_rest_timeout_is_granted_from_june_2024() -> None:
    limits = Limits(date(2024, 6, 1), {"api_rest.integration_timeout.max_without_quota": 120})
    assert limits.value("api_rest.integration_timeout.max_without_quota") == 120


def test_rows_have_every_row_and_iterating_only_what_existed() -> None:
    every = {row.name for row in MAY_2024.rows()}
    existed = {limit.name for limit in MAY_2024}
    assert existed < every
    assert "api_rest.streaming.available" in every - existed


def test_rows_are_in_the_order_of_their_facts() -> None:
    facts = [tuple(int(part) for part in row.fact.split(".")) for row in NOW.rows()]
    assert facts == sorted(facts)


@pytest.mark.parametrize("text", ["2024-5-1", "20240501", "yesterday", "2024-02-30", "2024-W18-3", ""])
def test_a_text_that_is_no_date_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(AsOfError, match="write it as YYYY-MM-DD, for example 2024-05-01"):
        parse_as_of(text)


def test_a_date_is_read() -> None:
    assert parse_as_of("2024-05-01") == date(2024, 5, 1)


def test_importing_reads_no_file_and_no_heavy_library() -> None:
    code = (
        "import sys, sandbox.limits as l, sandbox.limits.rows as r; from sandbox.limits import show;"
        "assert r.rows_of.cache_info().currsize == 0;"
        "l.Limits(l.parse_as_of('2026-01-01')).value('lambda.timeout.max');"
        "assert r.rows_of.cache_info().currsize == 1;"
        "print([name for name in ('pydantic', 'rich', 'botocore', 'typer') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
