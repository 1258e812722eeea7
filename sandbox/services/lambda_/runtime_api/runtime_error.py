"""``POST /2018-06-01/runtime/invocation/{id}/error``: the function failed."""

from __future__ import annotations

import json

from sandbox.services.lambda_ import faults
from sandbox.services.lambda_.runtime_api.http import Request
from sandbox.services.lambda_.runtime_api.session import Session

ERROR_TYPE = "lambda-runtime-function-error-type"
WITH_CAUSE = "application/vnd.aws.lambda.error.cause+json"


async def runtime_error(session: Session, request: Request, request_id: str) -> None:
    """Pass the error on."""
    execution = session.execution
    if execution is None or execution.request_id != request_id:
        await request.refuse(400, "InvalidRequestID", "Invalid request ID")
        return
    await session.change(session.runtime.error_response())
    payload = await request.body()
    if request.headers.get("content-type", "") == WITH_CAUSE:
        payload = _without_cause(payload)
    type_ = faults.valid_type(request.headers.get(ERROR_TYPE, ""))
    execution.channel.open("application/json")
    execution.channel.close(faults.reported(type_, payload))
    await session.change(session.runtime.response_sent())
    await request.accepted()


def _without_cause(payload: bytes) -> bytes:
    """The error without the X-Ray cause that some runtimes wrap around it."""
    try:
        error = json.loads(payload)
        kept = {k: error[k] for k in ("errorMessage", "errorType", "stackTrace") if k in error}
    except (ValueError, TypeError):
        return b'"Invalid error body"'
    return json.dumps(kept, separators=(",", ":")).encode()
