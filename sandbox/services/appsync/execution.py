"""Running an operation: graphql-core walks it, fields ask resolvers, and errors are told as AppSync tells them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, OperationType, VariableNode, execute, get_location, get_named_type
from graphql.pyutils import is_awaitable

from sandbox.aws.errors import NotEmulatedError
from sandbox.services.appsync import documents, selections
from sandbox.services.appsync.errors import Entry, FieldError, entry, not_authorized, plain, unauthorized
from sandbox.services.appsync.request import FieldCall, Request
from sandbox.services.appsync.resolvers import resolve

if TYPE_CHECKING:
    from graphql import (
        ExecutionResult,
        FieldNode,
        GraphQLAbstractType,
        GraphQLResolveInfo,
        Node,
        OperationDefinitionNode,
    )

    from sandbox.services.appsync.mapping import Handlers

_NULL = re.compile(r"Cannot return null for non-nullable field (?P<parent>\w+)\.(?P<field>\w+)\.")


@dataclass(frozen=True, slots=True)
class Query:
    """What a client sends: a document, and which of its operations with which variables."""

    text: str
    operation: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer, and of a mutation what each of its fields gave, with the schema's names."""

    document: dict[str, Any]
    mutated: Sequence[tuple[str, Any]] = ()


def chosen(
    request: Request, query: Query
) -> tuple[documents.Document, OperationDefinitionNode] | list[Entry]:
    """The document and its operation; errors when it cannot be run. Raises ``RequestRefused``."""
    document = documents.read(request.api.schema, query.text)
    if document.errors:
        return list(document.errors)
    operation = document.operation(query.operation)
    if operation is None:
        named = f"Unknown operation named '{query.operation}'." if query.operation else None
        return [plain(named or "Must provide operation name if query contains multiple operations.", None)]
    api = request.api
    _check_permission(request, document, operation)
    if api.introspection == "DISABLED":
        hidden = documents.hidden(operation, document.fragments)
        if hidden is not None:
            return [hidden]
    depth = selections.depth(operation.selection_set, document.fragments)
    if api.query_depth_limit and depth > api.query_depth_limit:
        text = f"The query has {depth} levels, more than {api.query_depth_limit}."
        return [{**plain(text, None), "errorType": "QueryDepthLimitReached"}]
    return document, operation


def _check_permission(
    request: Request, document: documents.Document, operation: OperationDefinitionNode
) -> None:
    """A signature's policies have to allow each field that is asked for (amplify-cli's issues 4343 and 13712)."""
    kind = request.schema.schema.get_root_type(operation.operation)
    for node in selections.fields(operation.selection_set, document.fragments):
        name = node.name.value
        if kind and not name.startswith("__") and not request.caller.permitted(request.api, kind.name, name):
            raise unauthorized(request.sandbox.limits, "Permission denied")


async def run(request: Request, query: Query, handlers: Handlers) -> Answer:
    """Run a query or a mutation. Raises ``RequestRefused`` when it is no GraphQL."""
    found = chosen(request, query)
    if isinstance(found, list):
        return Answer({"data": None, "errors": found})
    document, operation = found
    if operation.operation is OperationType.SUBSCRIPTION:
        text = "Subscriptions are not supported over HTTP; connect to the real-time endpoint."
        return Answer({"data": None, "errors": [{**plain(text, None), "errorType": "UnsupportedOperation"}]})
    result = execute(
        request.schema.schema,
        document.ast,
        None,
        _Work(request, handlers, query.variables),
        dict(query.variables),
        query.operation,
        _resolve_field,
        resolve_type,
        hide_suggestions=True,
    )
    done: ExecutionResult = await result if is_awaitable(result) else result  # type: ignore[assignment]
    mutated = operation.operation is OperationType.MUTATION and done.data
    return Answer(told(request, done), _mutated(document, operation, done.data or {}) if mutated else ())


def _mutated(
    document: documents.Document, operation: OperationDefinitionNode, data: Mapping[str, Any]
) -> list[tuple[str, Any]]:
    """What each mutation gave, once for each key of the answer, with the schema's names."""
    nodes: dict[str, list[FieldNode]] = {}
    for node in selections.fields(operation.selection_set, document.fragments):
        if selections.key(node) in data and not node.name.value.startswith("__"):
            nodes.setdefault(selections.key(node), []).append(node)
    made = []
    for key, same in nodes.items():
        trees = [selections.by_name(node.selection_set, document.fragments, data[key]) for node in same]
        whole = all(isinstance(tree, dict) for tree in trees)
        merged = {name: value for tree in trees for name, value in tree.items()} if whole else trees[0]
        made.append((same[0].name.value, merged))
    return made


def told(request: Request, done: ExecutionResult) -> dict[str, Any]:
    """An answer as AppSync writes it. An error that is nobody's answer is raised."""
    errors = [_entry(request, error) for error in done.errors or ()] + request.appended
    return {"data": done.data, "errors": errors} if errors else {"data": done.data}


@dataclass(frozen=True, slots=True)
class _Work:
    """graphql-core's context value."""

    request: Request
    handlers: Handlers
    variables: Mapping[str, Any]


def _resolve_field(source: Any, info: GraphQLResolveInfo[_Work], /, **arguments: Any) -> Any:
    """A field's value, or who will have it."""
    work: _Work = info.context
    request = work.request
    parent, name = info.parent_type.name, info.field_name
    if not request.caller.may(request.api, request.schema, parent, name):
        raise not_authorized(parent, name)
    resolver = request.api.resolvers.get((parent, name))
    if resolver is None:
        return source.get(name) if isinstance(source, Mapping) else None
    return resolve(request, _call(source, info, arguments, work.variables), resolver, work.handlers)


def _call(
    source: Any, info: GraphQLResolveInfo[_Work], arguments: Mapping[str, Any], variables: Mapping[str, Any]
) -> FieldCall:
    parent = info.parent_type.name
    shown = info_of(parent, info.field_nodes, info.fragments, variables)
    node = info.field_nodes[0]
    given = given_arguments(node, arguments, info.variable_values.coerced)
    return FieldCall(parent, info.field_name, given, source, shown, info.path.as_list(), [place_of(node)])


def given_arguments(
    node: FieldNode, arguments: Mapping[str, Any], variables: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a field as resolvers and filters see them.

    A variable that the query declares and the client does not give counts as null, other than in GraphQL's
    specification (issues 94 and 348 of aws-appsync-community, open).
    """
    made = dict(arguments)
    for argument in node.arguments or ():
        if isinstance(argument.value, VariableNode) and argument.value.name.value not in variables:
            made.setdefault(argument.name.value, None)
    return made


def info_of(
    parent: str, nodes: Sequence[FieldNode], fragments: selections.Fragments, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """``context.info`` of a field."""
    return {
        "fieldName": nodes[0].name.value,
        "parentTypeName": parent,
        "variables": dict(variables),
        "selectionSetList": selections.paths(nodes, fragments),
        "selectionSetGraphQL": selections.text(nodes),
    }


def place_of(node: Node) -> Mapping[str, int]:
    """Line and column of a node."""
    assert node.loc is not None
    at = get_location(node.loc.source, node.loc.start)
    return {"line": at.line, "column": at.column}


def resolve_type(value: Any, info: GraphQLResolveInfo[Any], kind: GraphQLAbstractType, /) -> str | None:
    """``__typename`` of the value says which type it is."""
    name = value.get("__typename") if isinstance(value, Mapping) else None
    return name if isinstance(name, str) else None


def _entry(request: Request, error: GraphQLError) -> Entry:
    places = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    cause = error.original_error
    path = error.path
    if isinstance(cause, FieldError):
        return entry(cause, path, places)
    if isinstance(cause, NotEmulatedError):
        return entry(FieldError(cause.message, cause.code), path, places)
    missing = _NULL.fullmatch(error.message)
    shown = "/" + "/".join(map(str, path or ()))
    if missing:
        parent = request.schema.schema.type_map[missing["parent"]]
        kind = get_named_type(parent.fields[missing["field"]].type)  # type: ignore[attr-defined]
        text = f"Cannot return null for non-nullable type: '{kind}' within parent '{missing['parent']}' ({shown})"
        return plain(text, None, path)
    if cause is not None and not isinstance(cause, GraphQLError):
        if isinstance(cause, TypeError) and "Abstract type" in error.message:
            return plain(error.message, places, path)
        raise cause
    if path is None:
        return plain(error.message, places)
    return plain(f"Can't serialize value ({shown}) : {error.message}", None, path)
