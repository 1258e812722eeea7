"""The answer of a buffered invocation as HTTP (facts 4.9)."""

from __future__ import annotations

from dataclasses import replace

from sandbox.services import lambda_answer
from sandbox.services.lambda_answer import Answer, AnswerError

__all__ = ["Answer", "AnswerError", "interpret", "remapped"]


def interpret(payload: bytes) -> Answer:
    """The HTTP answer that a function's return value means. Raises :class:`AnswerError`."""
    answer = lambda_answer.interpret(payload)
    return replace(answer, headers=tuple(remapped(list(answer.headers))))


def remapped(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """``WWW-Authenticate`` reaches the client under another name, as users of Function URLs report."""
    renamed = "x-amzn-Remapped-www-authenticate"
    return [(renamed if name.lower() == "www-authenticate" else name, value) for name, value in pairs]
