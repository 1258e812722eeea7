"""How each provider tells of its quotas: headers of every answer, and the refusal when one is used up.

The sentences are those that users quote in public issue trackers; OpenAI's and Anthropic's headers are those of their
documentation. Bedrock sends no such headers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from mock_llm.quota import Level
from mock_llm.wire import Headers, RefusedError

Teller = Callable[[list[Level], float], Headers]
ANTHROPIC_MORE = (
    "For details, refer to: https://docs.claude.com/en/api/rate-limits. You can see the response headers for "
    "current usage. Please reduce the prompt length or the maximum tokens requested, or try again later. You may "
    "also contact sales at https://claude.com/contact-sales to discuss your options for a rate limit increase."
)


def openai_headers(levels: list[Level], epoch: float) -> Headers:
    """``x-ratelimit-{limit,remaining,reset}-{requests,tokens}``; a reset is a length of time such as ``6m0s``."""
    rows = [
        row
        for level in levels
        for row in (
            (f"x-ratelimit-limit-{level.kind}", str(level.limit)),
            (f"x-ratelimit-remaining-{level.kind}", str(level.left)),
            (f"x-ratelimit-reset-{level.kind}", _span(level.full)),
        )
    ]
    return [(name.encode(), value.encode()) for name, value in rows]


def openai_refusal(short: Level, model: str) -> RefusedError:
    """429 ``rate_limit_exceeded``, with what was used and when to try again."""
    unit = "requests per min (RPM)" if short.kind == "requests" else "tokens per min (TPM)"
    message = (
        f"Rate limit reached for {model} in organization org-mockllm on {unit}: Limit {short.limit}, "
        f"Used {short.limit - short.left}, Requested {short.cost}. Please try again in {_span(short.wait)}. "
        "Visit https://platform.openai.com/account/rate-limits to learn more."
    )
    waits = {"retry-after": str(_seconds(short)), "retry-after-ms": str(math.ceil(short.wait * 1000))}
    return RefusedError(429, message, kind=short.kind, code="rate_limit_exceeded", headers=waits)


def anthropic_headers(levels: list[Level], epoch: float) -> Headers:
    """``anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}``; a reset is an instant (RFC 3339)."""
    rows: Headers = []
    for level in levels:
        full = datetime.fromtimestamp(math.ceil(epoch), UTC) + timedelta(seconds=math.ceil(level.full))
        values = (("limit", level.limit), ("remaining", level.left), ("reset", f"{full:%Y-%m-%dT%H:%M:%SZ}"))
        rows += [
            (f"anthropic-ratelimit-{level.kind}-{name}".encode(), str(value).encode())
            for name, value in values
        ]
    return rows


def anthropic_refusal(short: Level, model: str) -> RefusedError:
    """429 ``rate_limit_error``."""
    message = (
        f"This request would exceed your organization's rate limit of {short.limit:,} {short.kind} per minute "
        f"(org: mock-llm, model: {model}). {ANTHROPIC_MORE}"
    )
    return RefusedError(429, message, headers={"retry-after": str(_seconds(short))})


def bedrock_headers(levels: list[Level], epoch: float) -> Headers:
    """None."""
    return []


def bedrock_refusal(short: Level, model: str) -> RefusedError:
    """429 ``ThrottlingException``; AWS does not say when to try again."""
    return RefusedError(429, f"Too many {short.kind}, please wait before trying again.")


PROVIDERS: dict[str, tuple[Teller, Callable[[Level, str], RefusedError]]] = {
    "openai": (openai_headers, openai_refusal),
    "anthropic": (anthropic_headers, anthropic_refusal),
    "bedrock": (bedrock_headers, bedrock_refusal),
}


def _seconds(level: Level) -> int:
    return max(1, math.ceil(level.wait))


def _span(length: Fraction) -> str:
    """A length of time as OpenAI writes it: ``20ms``, ``8.64s``, ``6m0s``."""
    ms = math.ceil(length * 1000)
    if ms < 1000:
        return f"{ms}ms"
    minutes, rest = divmod(ms, 60_000)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
