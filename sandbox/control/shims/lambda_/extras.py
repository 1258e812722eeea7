"""Tags, runtime management, recursion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.context import Invocation
from sandbox.control.message import Response
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.lambda_.names import LATEST, FunctionName
from sandbox.control.shims.lambda_.state import State, checked
from sandbox.control.shims.lambda_.store import Function
from sandbox.control.validation import validate


class Extras:
    """The smaller operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTags": self.tags,
            "GetRuntimeManagementConfig": self.runtime_management,
            "PutRuntimeManagementConfig": self.put_runtime_management,
            "GetFunctionRecursionConfig": self.recursion,
            "PutFunctionRecursionConfig": self.put_recursion,
            "GetFunctionCodeSigningConfig": self.code_signing,
            "Invoke": self.invoke,
        }

    async def invoke(self, call: Call) -> Response:
        """``Invoke``, handed on to the Lambda service."""
        params = call.params
        result = await self._state.sandbox.invoke(
            Invocation(
                function=params["FunctionName"],
                payload=bytes(params.get("Payload") or b""),
                type=params.get("InvocationType", "RequestResponse"),
                qualifier=params.get("Qualifier"),
                log_tail=params.get("LogType") == "Tail",
                client_context=params.get("ClientContext"),
            )
        )
        headers = [("X-Amz-Executed-Version", result.executed_version), ("Content-Type", "application/json")]
        if result.function_error:
            headers.append(("X-Amz-Function-Error", result.function_error))
        if result.log_tail is not None:
            headers.append(("X-Amz-Log-Result", result.log_tail))
        return Response(result.status, (("x-amzn-RequestId", result.request_id), *headers), result.payload)

    async def tag(self, call: Call) -> Response:
        """``TagResource``."""
        self._by_arn(call).tags.update(call.params["Tags"])
        return Response(204)

    async def untag(self, call: Call) -> Response:
        """``UntagResource``."""
        function = self._by_arn(call)
        for key in call.params["TagKeys"]:
            function.tags.pop(key, None)
        return Response(204)

    async def tags(self, call: Call) -> Mapping[str, Any]:
        """``ListTags``."""
        return {"Tags": dict(self._by_arn(call).tags)}

    def _by_arn(self, call: Call) -> Function:
        validate(call.operation.model, call.params)
        name = FunctionName.parse(call.params["Resource"])
        return self._state.region(name.region).function(name)

    async def runtime_management(self, call: Call) -> Mapping[str, Any]:
        """``GetRuntimeManagementConfig``."""
        region, name = checked(self._state, call)
        function = region.function(name)
        stored = function.runtime_management.get(name.qualifier or LATEST, {"UpdateRuntimeOn": "Auto"})
        return {**stored, "FunctionArn": region.arns.function(function.name, name.qualifier)}

    async def put_runtime_management(self, call: Call) -> Mapping[str, Any]:
        """``PutRuntimeManagementConfig``: kept; the runtimes of the sandbox do not change by themselves."""
        region, name = checked(self._state, call)
        function = region.function(name)
        members = ("UpdateRuntimeOn", "RuntimeVersionArn")
        stored = {member: call.params[member] for member in members if member in call.params}
        function.runtime_management[name.qualifier or LATEST] = stored
        return {**stored, "FunctionArn": region.arns.function(function.name, name.qualifier)}

    async def recursion(self, call: Call) -> Mapping[str, Any]:
        """``GetFunctionRecursionConfig``."""
        region, name = checked(self._state, call)
        return {"RecursiveLoop": region.function(name).recursive_loop}

    async def put_recursion(self, call: Call) -> Mapping[str, Any]:
        """``PutFunctionRecursionConfig``: kept; loops are not looked for."""
        region, name = checked(self._state, call)
        region.function(name).recursive_loop = call.params["RecursiveLoop"]
        return {"RecursiveLoop": call.params["RecursiveLoop"]}

    async def code_signing(self, call: Call) -> Mapping[str, Any]:
        """``GetFunctionCodeSigningConfig``: no function has one (Terraform asks)."""
        region, name = checked(self._state, call)
        return {"FunctionName": region.function(name).name}
