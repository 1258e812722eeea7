"""Schemas and their types.

A creation is done by the time that it is asked about: ``StartSchemaCreation`` says PROCESSING, the next
``GetSchemaCreationStatus`` SUCCESS or FAILED.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.aws.appsync_schema import SCALARS, SchemaError, build, parse_sdl
from sandbox.control.message import Response
from sandbox.control.shims.appsync.state import State
from sandbox.control.shims.appsync.store import Document, GraphqlRecord, bad_request, not_found
from sandbox.control.shims.call import Call, Handler

if TYPE_CHECKING:
    from graphql import TypeDefinitionNode

LARGEST = "appsync.schema"


class Schemas:
    """Operations on schemas and types."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "StartSchemaCreation": self.start,
            "GetSchemaCreationStatus": self.status,
            "GetIntrospectionSchema": self.introspection,
            "CreateType": self.create_type,
            "GetType": self.get_type,
            "ListTypes": self.list_types,
            "UpdateType": self.update_type,
            "DeleteType": self.delete_type,
        }

    async def start(self, call: Call) -> Mapping[str, Any]:
        """``StartSchemaCreation``. What was added type by type before stays where it is not given anew."""
        api = self._state.graphql_api(call)
        definition = call.params["definition"]
        text = definition.decode("utf-8", "replace") if isinstance(definition, bytes) else str(definition)
        limit = self._state.sandbox.limits.value(LARGEST)
        if len(text.encode()) > limit:
            raise bad_request(f"Schema document is larger than {limit} bytes.")
        try:
            build(text)
        except SchemaError as error:
            api.status, api.details = "FAILED", f"{error} [{error.where}]"
        else:
            api.schema, api.status, api.details = text, "SUCCESS", "Successfully created schema."
            api.epoch += 1
        return {"status": "PROCESSING"}

    async def status(self, call: Call) -> Mapping[str, Any]:
        """``GetSchemaCreationStatus``."""
        api = self._state.graphql_api(call)
        return {"status": api.status, **({"details": api.details} if api.details else {})}

    async def introspection(self, call: Call) -> Response:
        """``GetIntrospectionSchema``: SDL as it was given, or the answer to an introspection query as JSON."""
        api = self._state.graphql_api(call)
        if not api.schema:
            raise not_found(f"No schema found for GraphQL API {api.id}.")
        if call.params["format"] == "JSON":
            from graphql import introspection_from_schema

            text = json.dumps({"data": introspection_from_schema(build(api.schema))})
        elif call.params.get("includeDirectives") is False:
            text = _without_directives(api.schema)
        else:
            text = api.schema
        return Response(200, (("Content-Type", "application/json"),), text.encode())

    async def create_type(self, call: Call) -> Mapping[str, Any]:
        """``CreateType``."""
        api, definition = self._state.graphql_api(call), call.params["definition"]
        node = _only_type(definition)
        if node.name.value in _types(api):
            raise bad_request(f"Type {node.name.value} already exists.")
        api.schema = f"{api.schema}\n{definition}".strip()
        return {"type": self._changed(api, node.name.value, call)}

    async def get_type(self, call: Call) -> Mapping[str, Any]:
        """``GetType``."""
        api = self._state.graphql_api(call)
        return {"type": self._shown(api, call.params["typeName"], call)}

    async def list_types(self, call: Call) -> Mapping[str, Any]:
        """``ListTypes``."""
        api = self._state.graphql_api(call)
        return self._state.listed(call, [self._shown(api, name, call) for name in _types(api)], "types")

    async def update_type(self, call: Call) -> Mapping[str, Any]:
        """``UpdateType``."""
        api, name = self._state.graphql_api(call), call.params["typeName"]
        start, end = _place(api, name)
        definition = call.params.get("definition")
        if definition:
            if _only_type(definition).name.value != name:
                raise bad_request(f"The definition is not one of type {name}.")
            api.schema = api.schema[:start] + definition + api.schema[end:]
        return {"type": self._changed(api, name, call)}

    async def delete_type(self, call: Call) -> Mapping[str, Any]:
        """``DeleteType``."""
        api = self._state.graphql_api(call)
        start, end = _place(api, call.params["typeName"])
        api.schema = (api.schema[:start] + api.schema[end:]).strip()
        api.epoch += 1
        return {}

    def _changed(self, api: GraphqlRecord, name: str, call: Call) -> Document:
        api.epoch += 1
        return self._shown(api, name, call)

    def _shown(self, api: GraphqlRecord, name: str, call: Call) -> Document:
        start, end = _place(api, name)
        definition = api.schema[start:end]
        kind = call.params.get("format", "SDL")
        if kind == "JSON":
            definition = json.dumps(_introspected(api, name))
        node = _types(api)[name]
        shown: Document = {
            "name": name,
            "arn": f"{api.arn}/types/{name}",
            "definition": definition,
            "format": kind,
        }
        if node.description:
            shown["description"] = node.description.value
        return shown


def fields(api: GraphqlRecord, type_name: str) -> frozenset[str]:
    """The fields of an object type. Raises ``NotFoundException`` when there is no such type."""
    node = _types(api).get(type_name)
    if node is None:
        raise not_found(f"Type {type_name} not found")
    return frozenset(field.name.value for field in getattr(node, "fields", None) or ())


def _types(api: GraphqlRecord) -> dict[str, TypeDefinitionNode]:
    from graphql import TypeDefinitionNode

    if not api.schema:
        return {}
    return {
        node.name.value: node
        for node in parse_sdl(api.schema).definitions
        if isinstance(node, TypeDefinitionNode) and node.name.value not in SCALARS
    }


def _place(api: GraphqlRecord, name: str) -> tuple[int, int]:
    node = _types(api).get(name)
    if node is None or node.loc is None:
        raise not_found(f"Type {name} not found")
    return node.loc.start, node.loc.end


def _only_type(definition: str) -> TypeDefinitionNode:
    from graphql import TypeDefinitionNode

    try:
        nodes = parse_sdl(definition).definitions
    except SchemaError as error:
        raise bad_request(f"{error} [{error.where}]") from error
    if len(nodes) != 1 or not isinstance(nodes[0], TypeDefinitionNode):
        raise bad_request("A definition must be that of one type.")
    return nodes[0]


def _introspected(api: GraphqlRecord, name: str) -> Any:
    from graphql import introspection_from_schema

    try:
        whole = introspection_from_schema(build(api.schema))
    except SchemaError as error:
        raise bad_request(f"{error} [{error.where}]") from error
    return next(type_ for type_ in whole["__schema"]["types"] if type_["name"] == name)


def _without_directives(sdl: str) -> str:
    from graphql import DirectiveNode, Visitor, print_ast, visit
    from graphql.language import REMOVE

    class Strip(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
            return REMOVE

    return print_ast(visit(parse_sdl(sdl), Strip()))
