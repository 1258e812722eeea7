"""AWS's query protocol by botocore's model: form fields to parameters, results and errors to XML.

Source: Smithy, "AWS query protocol" (flattening, list names, map entries, response wrappers).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from sandbox.aws.errors import AwsError

Fields = Mapping[str, str]
CONTENT_TYPE = "text/xml"


def read_fields(query: str, body: bytes) -> dict[str, str]:
    """The form fields of a request, from its query string and body."""
    return dict(parse_qsl(query, keep_blank_values=True) + parse_qsl(body.decode(), keep_blank_values=True))


def parse(operation: OperationModel, fields: Fields) -> dict[str, Any]:
    """The operation's parameters. Raises ``AwsError`` (400 ValidationError) for one that is missing or malformed."""
    shape = operation.input_shape
    if shape is None:
        return {}
    params: dict[str, Any] = _structure(shape, fields, "") or {}
    for name in shape.required_members:
        if name not in params:
            raise AwsError(
                400,
                "ValidationError",
                f"1 validation error detected: Value null at '{name[0].lower()}{name[1:]}' failed to satisfy "
                "constraint: Member must not be null",
            )
    return params


def _value(shape: Shape, fields: Fields, prefix: str) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, fields, prefix)
    if isinstance(shape, ListShape):
        return _list(shape, fields, prefix)
    if isinstance(shape, MapShape):
        return _map(shape, fields, prefix)
    return _scalar(shape, fields[prefix], prefix) if prefix in fields else None


def _structure(shape: StructureShape, fields: Fields, prefix: str) -> dict[str, Any] | None:
    result: dict[str, Any] = {}
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        key = f"{prefix}.{wire}" if prefix else wire
        if key not in fields and not any(field.startswith(key + ".") for field in fields):
            continue
        found = _value(member, fields, key)
        if found is not None:
            result[name] = found
    return result


def _list(shape: ListShape, fields: Fields, prefix: str) -> list[Any]:
    if fields.get(prefix) == "":
        return []
    base = prefix if shape.serialization.get("flattened") else f"{prefix}.{_member_name(shape)}"
    result: list[Any] = []
    while (key := f"{base}.{len(result) + 1}") in fields or any(f.startswith(key + ".") for f in fields):
        result.append(_value(shape.member, fields, key))
    return result


def _map(shape: MapShape, fields: Fields, prefix: str) -> dict[str, Any]:
    base = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
    result: dict[str, Any] = {}
    while (key := f"{base}.{len(result) + 1}.key") in fields:
        result[fields[key]] = _value(shape.value, fields, key.removesuffix("key") + "value")
    return result


def _scalar(shape: Shape, value: str, key: str) -> Any:
    try:
        if shape.type_name == "boolean":
            return {"true": True, "false": False}[value.lower()]
        if shape.type_name in ("integer", "long"):
            return int(value)
        if shape.type_name == "timestamp":
            return datetime.fromisoformat(value)
    except (KeyError, ValueError):
        raise AwsError(400, "MalformedInput", f"{value!r} is not a {shape.type_name} ({key})") from None
    return value


def _member_name(shape: ListShape) -> str:
    return str(shape.member.serialization.get("name", "member"))


def serialize(operation: OperationModel, result: Mapping[str, Any], request_id: str) -> bytes:
    """The answer's XML."""
    parts: list[str] = []
    if operation.output_shape is not None:
        wrapper = operation.output_shape.serialization.get("resultWrapper", f"{operation.name}Result")
        _write(operation.output_shape, result, wrapper, parts)
    space = operation.service_model.metadata["xmlNamespace"]
    return (
        f'<{operation.name}Response xmlns="{space}">{"".join(parts)}<ResponseMetadata><RequestId>{request_id}'
        f"</RequestId></ResponseMetadata></{operation.name}Response>"
    ).encode()


def serialize_error(error: AwsError, request_id: str, space: str) -> bytes:
    """An error's XML. ``Type`` says whose fault it is."""
    side = "Sender" if error.status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{space}"><Error><Type>{side}</Type><Code>{escape(error.code)}</Code>'
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()


def _write(shape: Shape, value: Any, tag: str, out: list[str]) -> None:
    if value is None:
        return
    if isinstance(shape, ListShape) and shape.serialization.get("flattened"):
        for item in value:
            _write(shape.member, item, tag, out)
        return
    out.append(f"<{tag}>")
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            _write(member, value.get(name), member.serialization.get("name", name), out)
    elif isinstance(shape, ListShape):
        for item in value:
            _write(shape.member, item, _member_name(shape), out)
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            out.append("<entry>")
            _write(shape.key, key, "key", out)
            _write(shape.value, item, "value", out)
            out.append("</entry>")
    else:
        out.append(escape(_text(value)))
    out.append(f"</{tag}>")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        utc = value.astimezone(UTC)
        return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)
