"""The shadows' operations in ``iot-data`` (developer guide, "Device Shadow REST API")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from sandbox.aws.errors import AwsError
from sandbox.services.iot.shadows.document import dumped
from sandbox.services.iot.shadows.requests import Request, ShadowError, token_of

if TYPE_CHECKING:
    from sandbox.services.iot.identity import Identity
    from sandbox.services.iot.shadows.shadows import Shadows

Params = Mapping[str, Any]
Check = Callable[["Identity | None", str, str, str], None]  # caller, action, kind of resource, its name
Operation = Callable[[Params, "Identity | None"], Any]

_PAGE = 25  # names, when the caller wants no other number (UNSOURCED)
# botocore, iot-data: the errors of UpdateThingShadow by their status.
_ERRORS = {
    400: "InvalidRequestException",
    404: "ResourceNotFoundException",
    409: "ConflictException",
    413: "RequestEntityTooLargeException",
    415: "UnsupportedDocumentEncodingException",
}


class ShadowApi:
    """``check`` raises when a caller may not do what it wants."""

    def __init__(self, shadows: Shadows, check: Check) -> None:
        self._shadows = shadows
        self._check = check

    def operations(self) -> Mapping[str, Operation]:
        """By name."""
        acts = {f"{action.capitalize()}ThingShadow": action for action in ("get", "update", "delete")}
        return {
            **{operation: partial(self._act, action) for operation, action in acts.items()},
            "ListNamedShadowsForThing": self._list,
        }

    async def _act(self, action: str, params: Params, caller: Identity | None) -> dict[str, Any]:
        request = Request(params["thingName"], params.get("shadowName") or "", action)
        resource = f"{request.thing}/{request.shadow}" if request.shadow else request.thing
        self._check(caller, f"iot:{action.capitalize()}ThingShadow", "thing", resource)
        payload = params.get("payload") or b""
        payload = payload.encode() if isinstance(payload, str) else bytes(payload)
        try:
            answer = self._shadows.act(request, payload)
        except ShadowError as error:
            raise AwsError(error.code, _ERRORS[error.code], str(error)) from error
        token = token_of(payload)
        return {"payload": dumped(answer if token is None else {**answer, "clientToken": token})}

    async def _list(self, params: Params, caller: Identity | None) -> dict[str, Any]:
        thing = params["thingName"]
        self._check(caller, "iot:ListNamedShadowsForThing", "thing", thing)
        names, start = self._shadows.names(thing), int(params.get("nextToken") or 0)
        end = start + int(params.get("pageSize") or _PAGE)
        more = {"nextToken": str(end)} if end < len(names) else {}
        return {"results": names[start:end], "timestamp": self._shadows.now_s(), **more}
