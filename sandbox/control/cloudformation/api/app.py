"""The service: an ASGI application for CloudFormation's API, also callable in process."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.aws.session import shared_session
from sandbox.control.cloudformation.api import protocol
from sandbox.control.cloudformation.engine.engine import Engine

if TYPE_CHECKING:
    from sandbox.context import Receive, Sandbox, Scope, Send

Handler = Callable[[Engine, dict[str, Any]], Awaitable[dict[str, Any]]]
OPERATIONS: dict[str, Handler] = {}

_SETTLE_S = 20.0  # how long a look at a stack in motion may be held, see CloudFormation.__call__


def operation(handler: Handler) -> Handler:
    """Register a handler under its operation's name: ``create_stack`` is ``CreateStack``."""
    OPERATIONS["".join(word.capitalize() for word in handler.__name__.split("_"))] = handler
    return handler


class CloudFormation:
    """CloudFormation for one sandbox.

    ``engine`` holds the stacks. Requests over HTTP that look at a stack in motion are answered when it has come
    to rest, or after twenty seconds: clients poll every 5 to 30 seconds of their own clock, while stacks here are
    done in a fraction of a second. What they see is what AWS would show a moment later.
    """

    name = "cloudformation"

    def __init__(self, sandbox: Sandbox) -> None:
        from sandbox.control.cloudformation.api import change_sets, reads, stacks, templates  # noqa: F401

        self.sandbox = sandbox
        self.engine = Engine(sandbox)
        self.model = _model()

    async def call(self, name: str, /, **params: Any) -> dict[str, Any]:
        """An operation by its botocore name. Raises ``AwsError``."""
        if name not in OPERATIONS:
            raise NotEmulatedError(f"cloudformation:{name}")
        return await OPERATIONS[name](self.engine, params)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: one request in the query protocol."""
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        request_id = self.sandbox.ids.uuid()
        status, answer = await self._answer(scope, body, request_id)
        headers = [
            (b"x-amzn-requestid", request_id.encode()),
            (b"content-type", protocol.CONTENT_TYPE.encode()),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, scope: Scope, body: bytes, request_id: str) -> tuple[int, bytes]:
        name = ""
        try:
            fields = protocol.read_fields(scope.get("query_string", b"").decode(), body)
            name = fields.get("Action", "")
            if name not in self.model.operation_names:
                raise AwsError(  # the text is UNSOURCED
                    400, "InvalidAction", f"Could not find operation {name} for version 2010-05-15"
                )
            model = self.model.operation_model(name)
            params = protocol.parse(model, fields)
            await self._settle(name, params)
            result = await self.call(name, **params)
            answer = 200, protocol.serialize(model, result, request_id)
        except UnicodeDecodeError:
            error = AwsError(400, "MalformedInput", "The request body is not UTF-8 text.")
            answer = 400, protocol.serialize_error(error, request_id, self.model.metadata["xmlNamespace"])
        except AwsError as e:
            answer = e.status, protocol.serialize_error(e, request_id, self.model.metadata["xmlNamespace"])
        self.sandbox.timeline.record(
            "control", "called", request_id, service=self.name, operation=name, status=answer[0]
        )
        return answer

    async def _settle(self, name: str, params: dict[str, Any]) -> None:
        if name == "DescribeStacks" and "StackName" in params:
            stack = self.engine.find(params["StackName"])
            if stack is not None and stack.busy:
                assert stack.operation is not None
                await asyncio.wait({stack.operation}, timeout=_SETTLE_S)


@functools.cache
def _model() -> Any:
    """Read once a process: it takes a tenth of a second."""
    return shared_session().get_service_model("cloudformation")
