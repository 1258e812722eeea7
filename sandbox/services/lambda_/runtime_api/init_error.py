"""``POST /2018-06-01/runtime/init/error``: the runtime cannot start."""

from __future__ import annotations

from sandbox.services.lambda_ import faults
from sandbox.services.lambda_.runtime_api.http import Request
from sandbox.services.lambda_.runtime_api.session import Session


async def init_error(session: Session, request: Request) -> None:
    """End the initialization with what the runtime says."""
    type_ = faults.valid_type(request.headers.get("lambda-runtime-function-error-type", ""))
    state = session.runtime.init_error()
    payload = await request.body()
    await session.change(state)
    await request.accepted()
    session.settle(faults.reported(type_, payload))
