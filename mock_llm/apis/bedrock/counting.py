"""``CountTokens``: what Converse or InvokeModel would read, by the same count."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from mock_llm.apis.bedrock import errors, request
from mock_llm.apis.bedrock.families import family_of
from mock_llm.conversation import part
from mock_llm.wire import Exchange

if TYPE_CHECKING:
    from mock_llm.app import MockLLM


async def count_tokens(app: MockLLM, exchange: Exchange) -> None:
    """Answer ``{"inputTokens": N}``."""
    app.check_key(exchange)
    data = request.json_object(await exchange.body(app.settings.max_body))
    converse, body = part(data, "input", "converse"), part(data, "input", "invokeModel", "body")
    if isinstance(converse, dict):
        read = request.conversation(converse).input_tokens
    elif isinstance(body, str):
        try:
            raw = base64.b64decode(body, validate=True)
        except binascii.Error:
            raise errors.invalid("input.invokeModel.body is not base64") from None
        told = request.json_object(raw)
        read = family_of(exchange.params[0], told).read(told, raw).input_tokens
    else:
        raise errors.invalid("input must have one of converse and invokeModel")
    await exchange.respond_json(200, {"inputTokens": read})
