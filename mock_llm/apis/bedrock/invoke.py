"""``InvokeModel`` and ``InvokeModelWithResponseStream``: facts 10.2, with the bodies of four families of models."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mock_llm.answering import begin, deliver, refuse_as_told
from mock_llm.apis.bedrock import embeddings, errors, eventstream, request
from mock_llm.apis.bedrock.families import Family, family_of
from mock_llm.apis.bedrock.ids import request_id
from mock_llm.pace import FOREVER
from mock_llm.stream import Frame
from mock_llm.wire import JSON, Exchange, RefusedError, dump

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

METRICS = "amazon-bedrock-invocationMetrics"


async def invoke_model(app: MockLLM, exchange: Exchange) -> None:
    """The whole answer, in the model's own shape."""
    if embeddings.means_embedding(exchange.params[0]):
        await _embed(app, exchange)
    else:
        await _answer(app, exchange, stream=False)


async def invoke_model_with_response_stream(app: MockLLM, exchange: Exchange) -> None:
    """The answer as chunks, each an event in the model's own shape."""
    await _answer(app, exchange, stream=True)


async def bidirectional(app: MockLLM, exchange: Exchange) -> None:
    """Not emulated: facts 10.10."""
    what = "The mock model does not emulate InvokeModelWithBidirectionalStream."
    raise RefusedError(501, what, code="NotImplementedException")


async def _embed(app: MockLLM, exchange: Exchange) -> None:
    app.check_key(exchange)
    model = exchange.params[0]
    data = request.json_object(await exchange.body(app.settings.max_body))
    answer = embeddings.answer(model, data)
    read = int(answer["inputTextTokenCount"])
    told = refuse_as_told(app, exchange, "bedrock.invoke", model, str(data["inputText"]), read=read)
    count = (b"x-amzn-bedrock-input-token-count", b"%d" % read)
    await exchange.respond_json(200, answer, [count, *told])


async def _answer(app: MockLLM, exchange: Exchange, *, stream: bool) -> None:
    app.check_key(exchange)
    body = await exchange.body(app.settings.max_body)
    model = exchange.params[0]
    data = request.json_object(body)
    kind = family_of(model, data)
    asked = kind.read(data, body)
    turn = begin(app, exchange, "bedrock.invoke", model, asked.wish, stream=stream, read=asked.input_tokens)
    if turn.answer.calls and not kind.calls_tools:
        raise errors.invalid(f"The body of {model} has no calls of tools, and a rule says that it calls one")
    family = kind(turn, asked.input_tokens)
    family.shown = asked.shown
    headers = [(b"x-amzn-requestid", request_id(turn))]
    if stream:
        headers.append((b"x-amzn-bedrock-content-type", JSON))
    else:
        told = _metrics(family)
        headers += [
            (b"x-amzn-bedrock-invocation-latency", b"%d" % told["invocationLatency"]),
            (b"x-amzn-bedrock-output-token-count", b"%d" % told["outputTokenCount"]),
            (b"x-amzn-bedrock-input-token-count", b"%d" % told["inputTokenCount"]),
        ]
    await deliver(exchange, turn, InvokeAnswer(family), stream=stream, headers=headers)


class InvokeAnswer:
    """A family's answer in InvokeModel's wrapping."""

    stream_type = eventstream.CONTENT_TYPE

    def __init__(self, family: Family) -> None:
        self.family = family

    def whole(self) -> Mapping[str, Any]:
        """The body of InvokeModel is the model's own."""
        return self.family.whole()

    def frames(self) -> Iterator[Frame]:
        """Events ``chunk`` with base64 of the model's events; the last one also carries Bedrock's metrics."""
        held: tuple[int, Mapping[str, Any], str | None] | None = None
        for at, data, token in self.family.events():
            if held is not None:
                yield _chunk(*held)
            held = at, data, token
        if held is not None:
            at, data, token = held
            yield _chunk(at, {**data, METRICS: _metrics(self.family)}, token)

    def error(self, refusal: RefusedError) -> bytes:
        """An exception of the stream: facts 10.3."""
        return errors.in_stream(refusal, timeouts=True)

    def broken(self, frame: bytes) -> bytes:
        """The message with a wrong checksum."""
        return eventstream.damaged(frame)


def _chunk(at: int, data: Mapping[str, Any], token: str | None) -> Frame:
    if at == FOREVER:
        return Frame(at, b"")
    payload = dump({"bytes": base64.b64encode(dump(data)).decode()})
    return Frame(at, eventstream.event("chunk", payload), token)


def _metrics(family: Family) -> dict[str, int]:
    generation = family.turn.generation
    first = generation.schedule.offsets[0] if generation.schedule.offsets else 0
    return {
        "inputTokenCount": family.input_tokens,
        "outputTokenCount": generation.total,
        "invocationLatency": generation.end // 1000,
        "firstByteLatency": first // 1000,
    }
