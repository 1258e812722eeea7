"""``AWS_PROXY`` with a function: the event, the invocation, the answer (facts 2.3, 2.6)."""

from __future__ import annotations

import json
from typing import Any

from sandbox.aws.http_integration import PreludeError, name_of, status_of, text_of
from sandbox.services import lambda_answer
from sandbox.services.api_http import event, functions
from sandbox.services.api_http.call import Answer, Call, Pairs
from sandbox.services.api_http.errors import internal
from sandbox.services.lambda_answer import AnswerError


async def integrate(call: Call) -> Answer:
    """Invoke the function and take its answer. Raises ``HttpApiError``."""
    integration = call.integration
    result = await functions.invoke(
        call,
        functions.arn_of(call, integration.uri),
        event.of(call, integration.payload_format),
        source=call.arn(),
        credentials=integration.credentials,
    )
    if result.function_error is not None:
        raise internal(call.sandbox.limits, f"the function failed: {result.function_error}")
    try:
        return two(result.payload) if integration.payload_format == "2.0" else one(result.payload)
    except (AnswerError, PreludeError) as wrong:
        raise internal(call.sandbox.limits, f"the function's answer: {wrong}") from wrong


def two(payload: bytes) -> Answer:
    """An answer in format 2.0. Raises ``AnswerError``."""
    answer = lambda_answer.interpret(payload)
    return Answer(answer.status, list(answer.headers), answer.body)


def one(payload: bytes) -> Answer:
    """An answer in format 1.0: an object with ``statusCode``. Raises ``AnswerError``, ``PreludeError``."""
    try:
        value = json.loads(payload)
    except ValueError as wrong:
        raise AnswerError(f"it is no JSON: {wrong}") from wrong
    if not isinstance(value, dict) or "statusCode" not in value:
        raise AnswerError("it is no object with a statusCode")
    body = value.get("body")
    if body is not None and not isinstance(body, str):
        raise AnswerError(f"its body is a JSON {type(body).__name__}, not a string")
    return Answer(status_of(value["statusCode"]), _headers(value), lambda_answer.body_of(value))


def _headers(value: dict[str, Any]) -> Pairs:
    single, many = value.get("headers") or {}, value.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(many, dict):
        raise AnswerError("its headers are no objects")
    listed = {name.lower() for name in many}
    pairs = [(name_of(n), text_of(v)) for n, v in single.items() if n.lower() not in listed and v is not None]
    for name, values in many.items():
        pairs += [(name_of(name), text_of(v)) for v in (values if isinstance(values, list) else [values])]
    return pairs
