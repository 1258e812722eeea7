"""From a resource's properties to the parameters of an API operation, by botocore's model of the operation.

Resource properties and API parameters are mostly the same words in another case (``RestApiId``, ``restApiId``),
and templates are loose with scalars ("true", 29000 as text): the model says what is meant.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from sandbox.aws.session import shared_session
from sandbox.control.cloudformation.errors import PropertyError
from sandbox.control.cloudformation.template.intrinsics import text

# Properties that the types' schemas have as Json and the operations as text, in lower case.
_DOCUMENTS = frozenset({"policy", "policydocument", "assumerolepolicydocument", "schema", "properties"})


@functools.cache
def operation_model(service: str, operation: str) -> OperationModel:
    """botocore's model of an operation."""
    return _service(service).operation_model(operation)


@functools.cache
def _service(service: str) -> Any:
    return shared_session().get_service_model(service)


def to_params(service: str, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties as parameters. Raises :class:`PropertyError` for a key that the operation does not know."""
    shape = operation_model(service, operation).input_shape
    assert shape is not None
    result: dict[str, Any] = _convert(shape, properties, "#")
    return result


def _convert(shape: Shape, value: Any, path: str) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, value, path)
    if isinstance(shape, ListShape):
        items = value if isinstance(value, list) else [value]
        return [_convert(shape.member, item, f"{path}/{index}") for index, item in enumerate(items)]
    if isinstance(shape, MapShape):
        return _map(shape, value, path)
    return _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> Any:
    if not isinstance(value, Mapping):
        raise PropertyError(f"{path}: expected type: JSONObject, found: {json_type(value)}")
    if getattr(shape, "is_document_type", False):
        return value
    members = {name.lower(): name for name in shape.members}
    result: dict[str, Any] = {}
    for key, item in value.items():
        name = members.get(key.lower())
        if name is None:
            raise PropertyError(f"{path}: extraneous key [{key}] is not permitted")
        result[name] = _convert(shape.members[name], item, f"{path}/{key}")
    return result


def _map(shape: MapShape, value: Any, path: str) -> Any:
    if isinstance(value, list) and all(isinstance(item, Mapping) and "Key" in item for item in value):
        value = {item["Key"]: item.get("Value", "") for item in value}
    if not isinstance(value, Mapping):
        raise PropertyError(f"{path}: expected type: JSONObject, found: {json_type(value)}")
    return {text(key): _map_value(shape.value, item, f"{path}/{key}") for key, item in value.items()}


def _map_value(shape: Shape, value: Any, path: str) -> Any:
    # Most of the maps are Json properties, whose values no schema checks; a function's environment is not.
    free = shape.type_name == "string" and shape.name != "EnvironmentVariableValue"
    return json.dumps(value) if free and isinstance(value, dict | list) else _convert(shape, value, path)


def _scalar(shape: Shape, value: Any, path: str) -> Any:
    kind = shape.type_name
    if kind in ("string", "blob", "character"):
        if isinstance(value, dict | list):
            if kind == "string" and path.rpartition("/")[2].lower() not in _DOCUMENTS:
                raise PropertyError(f"{path}: expected type: String, found: {json_type(value)}")
            return json.dumps(value)
        return value if isinstance(value, bytes) else text(value)
    if kind == "boolean":
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        raise PropertyError(f"{path}: expected type: Boolean, found: {json_type(value)}")
    if kind in ("integer", "long", "float", "double"):
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise PropertyError(f"{path}: expected type: Number, found: {json_type(value)}") from None
        return int(number) if kind in ("integer", "long") else number
    return value


def json_type(value: Any) -> str:
    """A value's type as AWS's property checks call it."""
    names = {
        dict: "JSONObject",
        list: "JSONArray",
        str: "String",
        bool: "Boolean",
        int: "Integer",
        float: "Number",
    }
    return names.get(type(value), type(value).__name__)
