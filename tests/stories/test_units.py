import pytest

from sandbox.stories.units import (
    Amount,
    format_duration,
    parse_count,
    parse_duration,
    parse_instant,
    parse_milliseconds,
    parse_size,
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("29s", 29.0),
        ("40 s", 40.0),
        ("100ms", 0.1),
        ("1m30s", 90.0),
        ("1 min 0.5 s", 60.5),
        ("2h", 7200.0),
        (3, 3.0),
        (0.1, 0.1),
    ],
)
def test_durations_are_exact(written: object, seconds: float):
    assert parse_duration(written) == seconds


@pytest.mark.parametrize("written", ["", "29", "s", "29 sec", "1s later", "-1s", -1, True, None, [1]])
def test_what_is_no_duration_is_told(written: object):
    with pytest.raises(ValueError, match="is not a duration; write 29s"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "size"), [("7MB", 7_000_000), ("6 MiB", 6_291_456), (12, 12), ("1.5KB", 1500), ("3B", 3)]
)
def test_sizes(written: object, size: int):
    assert parse_size(written) == size


@pytest.mark.parametrize("written", ["7", "MB", "7XB", -1, 1.5, True])
def test_what_is_no_size_is_told(written: object):
    if written == "7":
        assert parse_size(written) == 7
        return
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(written)


def test_an_exact_amount_allows_only_itself():
    amount = parse_instant("29s")
    assert amount.allows(29.0)
    assert not amount.allows(29.000001)
    assert amount.allows(29.000001, 1e-5)
    assert not amount.allows(None)


def test_a_range_includes_its_ends():
    amount = parse_instant({"at_least": "1s", "at_most": "2s"})
    assert [amount.allows(value) for value in (0.999, 1.0, 2.0, 2.001)] == [False, True, True, False]
    assert parse_count({"at_least": 3}).allows(10**9)


def test_never_allows_only_nothing():
    assert parse_instant("never").allows(None)
    assert not parse_instant("never").allows(1.0)
    assert str(Amount(None, None, never=True)) == "never"


@pytest.mark.parametrize("written", [{}, {"atleast": 3}, {"at_least": 3, "at_most": 2}, "3", 1.5, -1])
def test_what_is_no_count_is_told(written: object):
    with pytest.raises(ValueError, match=r"a count|at_least is above"):
        parse_count(written)


def test_milliseconds_take_numbers_and_durations():
    assert parse_milliseconds(1500) == parse_milliseconds("1.5s") == Amount(1500, 1500)


def test_a_duration_is_shown_without_noise():
    assert [format_duration(value) for value in (29.0, 0.1, 1 / 3, None)] == [
        "29 s",
        "0.1 s",
        "0.333333 s",
        "never",
    ]
