"""Patterns of Java's DateTimeFormatter."""

from __future__ import annotations

from datetime import UTC

import pytest

from sandbox.aws.java_time import format_time, parse_time, zone

INSTANT = 1_517_943_695_750  # 2018-02-06T19:01:35.750Z, a Tuesday


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2018-02-06T19:01:35.750Z"),
        ("EEE, d MMM yy h:mm a", "Tue, 6 Feb 18 7:01 PM"),
        ("EEEE MMMM dd D", "Tuesday February 06 37"),
        ("HH 'o''clock'", "19 o'clock"),
        ("uuuu k K", "2018 19 7"),
    ],
)
def test_an_instant_is_written_by_a_pattern(pattern: str, text: str) -> None:
    assert format_time(INSTANT, pattern, UTC) == text


def test_zones() -> None:
    assert format_time(INSTANT, "HH:mm xxx Z", zone("+05:30")) == "00:31 +05:30 +0530"
    assert format_time(INSTANT, "HH z", zone("Europe/Berlin")) == "20 CET"
    with pytest.raises(ValueError, match="unknown time zone 'Mars/Base'"):
        zone("Mars/Base")


@pytest.mark.parametrize(
    ("text", "pattern", "where"),
    [
        ("2018-02-06T19:01:35.750Z", "yyyy-MM-dd'T'HH:mm:ss.SSSX", None),
        ("06 Feb 2018 07:01:35.750 PM", "dd MMM yyyy hh:mm:ss.SSS a", "UTC"),
        ("2018-02-07 00:31:35.750", "yyyy-MM-dd HH:mm:ss.SSS", "+05:30"),
    ],
)
def test_an_instant_is_read_by_a_pattern(text: str, pattern: str, where: str | None) -> None:
    assert parse_time(text, pattern, zone(where) if where else None) == INSTANT


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="is not of the form"):
        parse_time("2018", "yyyy-MM", None)
    with pytest.raises(ValueError, match="names no time zone"):
        parse_time("2018", "yyyy", None)
    with pytest.raises(ValueError, match="unknown pattern letter 'Q'"):
        format_time(INSTANT, "Q", UTC)
