"""``GET /2018-06-01/runtime/invocation/next``: waits, however long, for an invocation."""

from __future__ import annotations

import asyncio

from sandbox.services.lambda_.execution import Execution
from sandbox.services.lambda_.runtime_api.http import Request
from sandbox.services.lambda_.runtime_api.runtime_states import Ready, ResponseSent, Running, Started
from sandbox.services.lambda_.runtime_api.session import Session

OVERTAKING_S = 0.05


async def runtime_next(session: Session, request: Request) -> None:
    """Answer with the next invocation."""
    await _let_the_response_catch_up(session)
    if isinstance(session.runtime, Running) and session.execution is not None:
        await _answer(request, session.execution)  # asked again without having answered: the same one
        return
    await session.change(session.runtime.ready())
    execution = await session.take(lambda: request.abandoned)
    if execution is not None:
        await _answer(request, execution)


async def _let_the_response_catch_up(session: Session) -> None:
    """A runtime whose stream failed may ask for more on one connection before its POST on another has arrived.

    While the response is on its way the question waits. When none is, it gets a moment to arrive.
    """
    if isinstance(session.runtime, Running):
        try:
            async with asyncio.timeout(OVERTAKING_S):
                await session.wait_for(lambda: not isinstance(session.runtime, Running))
        except TimeoutError:
            return
    await session.wait_for(lambda: isinstance(session.runtime, Started | Ready | ResponseSent | Running))


async def _answer(request: Request, execution: Execution) -> None:
    headers = {
        "Lambda-Runtime-Aws-Request-Id": execution.request_id,
        "Lambda-Runtime-Deadline-Ms": str(execution.deadline_ms),
        "Lambda-Runtime-Invoked-Function-Arn": execution.arn,
        "Lambda-Runtime-Trace-Id": execution.trace_id,
    }
    if execution.client_context:
        headers["Lambda-Runtime-Client-Context"] = execution.client_context
    await request.answer(200, execution.payload, headers)
