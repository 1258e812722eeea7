"""What goes wrong with deliveries on purpose: seeded, exact in time, and nothing by default."""

import asyncio

import pytest

import sandbox.clock
from sandbox.anomalies import Anomalies, Line


def played(count, subscriber="s", seed=1, **words):
    """[(instant, message)] as a subscriber gets one message each second."""

    async def main(clock):
        anomalies = Anomalies(clock, seed)
        anomalies.configure(**words)
        line, got = Line(anomalies, "appsync", subscriber), []
        with clock.in_flight("test"):
            for number in range(count):
                line.deliver(lambda n=number: got.append((clock.now(), n)))
                await asyncio.sleep(1)
            await asyncio.sleep(100)
        line.close()
        assert clock.in_flight_names() == []
        return got

    return sandbox.clock.run(main, "virtual")


def test_nothing_goes_wrong_by_default():
    assert played(3) == [(0, 0), (1, 1), (2, 2)]


def test_another_service_is_left_alone():
    assert played(3, duplicates=1.0, services=["iot"]) == [(0, 0), (1, 1), (2, 2)]


def test_all_messages_twice():
    assert played(2, duplicates=1.0) == [(0, 0), (0, 0), (1, 1), (1, 1)]


def test_a_share_is_seeded():
    runs = [played(50, duplicates=0.2) for _ in range(2)]
    assert runs[0] == runs[1]
    assert 50 < len(runs[0]) < 75
    assert played(50, duplicates=0.2, seed=2) != runs[0]


def test_reordered_messages_are_overtaken():
    got = played(30, reordered=0.3, reordered_by=1.5)
    numbers = [number for _, number in got]
    assert sorted(numbers) == list(range(30))
    assert numbers != sorted(numbers)
    assert all(at - number in (0, 1.5) for at, number in got)


def test_a_slow_subscriber_gets_one_message_after_the_other():
    assert played(3, slow_subscribers=1.0, slow_by=2.5) == [(2.5, 0), (5.0, 1), (7.5, 2)]


def test_some_subscribers_are_slow():
    slow = [played(1, subscriber=f"s{n}", slow_subscribers=0.5, slow_by=1)[0][0] for n in range(20)]
    assert 4 < sum(slow) < 16


def test_close_forgets_what_is_on_its_way():
    async def main(clock):
        anomalies = Anomalies(clock, 0)
        anomalies.configure(slow_subscribers=1, slow_by=5)
        line, got = Line(anomalies, "appsync", "s"), []
        line.deliver(lambda: got.append(1))
        line.close()
        await clock.advance(10)
        return got

    assert sandbox.clock.run(main, "virtual") == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"duplicate": 1}, "there is no anomaly 'duplicate'"),
        ({"duplicates": 2}, "duplicates is a share"),
        ({"slow_by": -1}, "slow_by must be a number"),
        ({"slow_by": True}, "slow_by must be a number"),
        ({"services": "iot"}, "services must be a list"),
    ],
)
def test_wrong_words_are_told(words, told):
    async def main(clock):
        with pytest.raises(ValueError, match=told):
            Anomalies(clock, 0).configure(**words)

    sandbox.clock.run(main, "virtual")
