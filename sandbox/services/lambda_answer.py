"""What a function's return value means in the payload format 2.0, shared by Function URLs and HTTP APIs.

Recorded on a Function URL (localstack's AWS-validated tests, 2025-11-24): a text is sent bare, another JSON value
without ``statusCode`` as compact JSON, ``"statusCode": "418"`` counts, and the content type is ``application/json``
unless set. For HTTP APIs the same is said in the API Gateway developer guide, "Lambda function response for format
2.0".
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Any

from sandbox.aws.http_integration import PreludeError, name_of, status_of, text_of


class AnswerError(ValueError):
    """What the function returned is no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def interpret(payload: bytes) -> Answer:
    """The HTTP answer that a function's return value means. Raises :class:`AnswerError`."""
    try:
        value = json.loads(payload)
    except ValueError as error:
        raise AnswerError(f"the function's answer is no JSON: {error}") from error
    if not isinstance(value, dict) or "statusCode" not in value:
        body = value if isinstance(value, str) else _compact(value)
        return Answer(200, (("Content-Type", "application/json"),), body.encode())
    try:
        return Answer(status_of(value["statusCode"]), tuple(_headers(value)), body_of(value))
    except PreludeError as error:
        raise AnswerError(str(error)) from error


def _headers(value: dict[str, Any]) -> list[tuple[str, str]]:
    headers, cookies = value.get("headers") or {}, value.get("cookies") or []
    if not isinstance(headers, dict) or not isinstance(cookies, list):
        raise AnswerError("headers must be an object and cookies a list")
    pairs = [(name_of(name), text_of(v)) for name, v in headers.items() if v is not None]
    if not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.insert(0, ("Content-Type", "application/json"))
    return [*pairs, *(("set-cookie", text_of(cookie)) for cookie in cookies)]


def body_of(value: dict[str, Any]) -> bytes:
    """The body, decoded when ``isBase64Encoded`` says so. Raises :class:`AnswerError`."""
    body = value.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return _compact(body).encode()
    if value.get("isBase64Encoded") is True:
        try:
            return b64decode(body, validate=True)
        except Base64Error as error:
            raise AnswerError(f"isBase64Encoded is true, but the body is no base64: {error}") from error
    return body.encode()


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
