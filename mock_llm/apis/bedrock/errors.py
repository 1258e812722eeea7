"""Bedrock's errors before an answer: an exception's name and a message.

Names and statuses are those of the service model; the sentences of checks that only a service can make (botocore
makes most of them itself) are the mock model's own.
"""

from __future__ import annotations

from mock_llm.apis.bedrock import eventstream
from mock_llm.apis.bedrock.ids import uuid_of
from mock_llm.wire import Exchange, RefusedError, dump

NAMES = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}

MEMBERS = {
    400: "validationException",
    429: "throttlingException",
    500: "internalServerException",
    503: "serviceUnavailableException",
}


async def refuse(exchange: Exchange, refusal: RefusedError) -> None:
    """Answer a refusal. A length limit is a validation error at AWS, so 413 becomes 400."""
    status = 400 if refusal.status == 413 else refusal.status
    headers = [(key.encode(), value.encode()) for key, value in refusal.headers.items()]
    headers.append((b"x-amzn-errortype", name(refusal).encode()))
    headers.append((b"x-amzn-requestid", uuid_of(exchange.identity)))
    body: dict[str, object] = {"message": refusal.message}
    if name(refusal) == "ModelErrorException":
        body["originalStatusCode"] = status
    await exchange.respond_json(status, body, headers)


def in_stream(refusal: RefusedError, *, timeouts: bool = False) -> bytes:
    """An error inside an event stream. What has no member of its own there is a ``modelStreamErrorException``.

    ``timeouts``: the stream is one of InvokeModel, which has a member for them (facts 10.3).
    """
    member = MEMBERS.get(refusal.status, "modelStreamErrorException")
    if timeouts and refusal.status == 408:
        member = "modelTimeoutException"
    data: dict[str, object] = {"message": refusal.message}
    if member == "modelStreamErrorException":
        data |= {"originalStatusCode": refusal.status, "originalMessage": refusal.message}
    return eventstream.exception(member, dump(data))


def name(refusal: RefusedError) -> str:
    """The exception that a refusal is at AWS."""
    if refusal.code and refusal.code.endswith("Exception"):
        return refusal.code
    return NAMES.get(
        refusal.status, "ValidationException" if refusal.status < 500 else "InternalServerException"
    )


def invalid(message: str) -> RefusedError:
    """400 ``ValidationException``."""
    return RefusedError(400, message)


def from_model(refusal: RefusedError) -> RefusedError:
    """400: what the model's own API refuses, as Converse passes it on."""
    return invalid(f"The model returned the following errors: {refusal.message}")
