"""Parameters that are not of their type: refused before an operation sees them. The text is UNSOURCED."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.message import Response
from sandbox.control.shims.call import Call, Handler

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "blob": (bytes,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}


def typed(handler: Handler) -> Handler:
    """The handler, called only with parameters of the right types; those that are null are left out."""

    async def checked(call: Call) -> Mapping[str, Any] | Response | None:
        shape = call.operation.model.input_shape
        wrong = next(_wrong(shape, call.params, ""), None) if shape is not None else None
        if wrong is not None:
            raise AwsError(400, "SerializationException", f"{wrong} has the wrong type.")
        return await handler(call)

    return checked


def _wrong(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Paths of values that are not of their type."""
    if not _is(shape.type_name, value):
        yield path or "the request"
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _wrong(member, value[name], f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for n, one in enumerate(value):
            yield from _wrong(shape.member, one, f"{path}[{n}]")
    elif shape.type_name == "map":
        for name, one in value.items():
            yield from _wrong(shape.value, one, f"{path}.{name}")


def _is(kind: str, value: Any) -> bool:
    """Whether a value is of a type of the model; true is no number."""
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
