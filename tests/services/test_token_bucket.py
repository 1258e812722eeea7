"""Throttling by a bucket of tokens."""

from __future__ import annotations

from sandbox.services.token_bucket import TokenBucket


def test_a_bucket_that_is_emptied_in_small_steps_does_not_fill_itself():
    bucket = TokenBucket(100.0, 100.0)
    assert sum(bucket.take(n * 0.005) for n in range(301)) == 250


def test_a_bucket_gives_its_burst_then_its_rate():
    bucket = TokenBucket(10.0, 3.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(0.1), bucket.take(0.1), bucket.take(10.0)] == [True, False, True]
