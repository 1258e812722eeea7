"""GraphQL documents: read, checked against a schema, and told in graphql-java's words when they are wrong.

AppSync runs on graphql-java, whose messages clients see ("Validation error of type FieldUndefined: ..."). Those of
the usual mistakes are written as there; the others carry the library's own text after "Validation error: ".
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    get_location,
    parse,
    validate,
)
from graphql.language import Node, Visitor, visit

from sandbox.services.appsync import selections
from sandbox.services.appsync.errors import Entry, malformed, plain
from sandbox.services.appsync.schema import executable

# What graphql-java reads of a query by default (its documentation, "Limits"); whether AppSync sets others: UNSOURCED.
LONGEST = 2**20  # characters
MOST_TOKENS = 15_000
KEPT = 2**22  # characters of all queries kept as documents, which are many times as large
MOST_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Document:
    """A query document. ``errors``: why it does not fit the schema."""

    ast: DocumentNode
    operations: Sequence[OperationDefinitionNode]
    fragments: selections.Fragments
    errors: Sequence[Entry]

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation to run; ``None`` when the name leaves open which."""
        if name is None:
            return self.operations[0] if len(self.operations) == 1 else None
        return next((one for one in self.operations if one.name and one.name.value == name), None)


class _Kept:
    """Documents by schema and text, the last used one last; those used longest ago make room."""

    def __init__(self) -> None:
        self.documents: OrderedDict[tuple[str, str], Document] = OrderedDict()
        self.size = 0  # characters of the texts

    def get(self, key: tuple[str, str]) -> Document | None:
        document = self.documents.get(key)
        if document is not None:
            self.documents.move_to_end(key)
        return document

    def add(self, key: tuple[str, str], document: Document) -> None:
        self.documents[key] = document
        self.size += len(key[1])
        while self.size > KEPT or len(self.documents) > MOST_KEPT:
            (_, text), _ = self.documents.popitem(last=False)
            self.size -= len(text)


_kept = _Kept()


def read(sdl: str, text: str) -> Document:
    """A document for a schema, the same as last time. Raises ``RequestRefused`` when it is no GraphQL."""
    document = _kept.get((sdl, text))
    if document is None:
        document = _read(sdl, text)
        _kept.add((sdl, text), document)
    return document


def _read(sdl: str, text: str) -> Document:
    if len(text) > LONGEST:
        raise malformed("Unable to parse GraphQL query.")
    try:
        ast = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLError as wrong:
        raise malformed("Unable to parse GraphQL query.") from wrong
    schema = executable(sdl).schema
    fragments = {n.name.value: n for n in ast.definitions if isinstance(n, FragmentDefinitionNode)}
    operations = [node for node in ast.definitions if isinstance(node, OperationDefinitionNode)]
    errors = [_told(error, ast) for error in validate(schema, ast)]
    return Document(ast, operations, fragments, errors)


def hidden(operation: OperationDefinitionNode, fragments: selections.Fragments) -> Entry | None:
    """The error of a query that asks for a schema that is hidden: a validation error (AWS's blog on these limits)."""
    for node in selections.fields(operation.selection_set, fragments):
        name = node.name.value
        if name in ("__schema", "__type") and operation.operation is OperationType.QUERY:
            told = f"Field '{name}' in type 'Query' is undefined @ '{selections.key(node)}'"
            assert node.loc is not None
            place = get_location(node.loc.source, node.loc.start)
            places = [{"line": place.line, "column": place.column}]
            return plain(f"Validation error of type FieldUndefined: {told}", places)
    return None


# pattern of graphql-core's message -> graphql-java's. {path}: the fields that lead to the place.
_WORDS: tuple[tuple[str, str], ...] = (
    (
        r"Cannot query field '(\w+)' on type '(\w+)'",
        "FieldUndefined: Field '{1}' in type '{2}' is undefined @ '{path}'",
    ),
    (
        r"Field '(\w+)' of type '([^']+)' must have a selection of subfields",
        "SubSelectionRequired: Sub selection required for type {2} of field {1} @ '{path}'",
    ),
    (
        r"Field '(\w+)' must not have a selection since type '([^']+)'",
        "SubSelectionNotAllowed: Sub selection not allowed on leaf type {2} of field {1} @ '{path}'",
    ),
    (
        r"(?:Argument|Field) '(?:\w+\.)?(\w+)\(?(?:(\w+):?\)?)?' of (?:required )?type.* (?:is required|was not)",
        "MissingFieldArgument: Missing field argument {last} @ '{path}'",
    ),
    (r"Unknown argument '(\w+)' on field", "UnknownArgument: Unknown field argument {1} @ '{path}'"),
    (r"Unknown type '(\w+)'", "UnknownType: Unknown type {1}"),
    (r"Variable '\$(\w+)' is not defined", "UndefinedVariable: Undefined variable {1} @ '{path}'"),
    (r"Unknown fragment '(\w+)'", "UndefinedFragment: Undefined fragment {1} @ '{path}'"),
)


def _told(error: GraphQLError, ast: DocumentNode) -> Entry:
    places = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    return plain(_message(error, ast), places)


def _message(error: GraphQLError, ast: DocumentNode) -> str:
    for pattern, words in _WORDS:
        found = re.search(pattern, error.message)
        if found:
            groups = [group or "" for group in found.groups()]
            values = {str(n): text for n, text in enumerate(groups, 1)}
            last = next((text for text in reversed(groups) if text), "")
            told = words.replace("{path}", _path(error, ast)).replace("{last}", last)
            for name, text in values.items():
                told = told.replace("{%s}" % name, text)  # noqa: UP031 - braces
            return f"Validation error of type {told}"
    return f"Validation error: {error.message}"


class _Finder(Visitor):
    """Finds the response path of a node."""

    def __init__(self, wanted: Node) -> None:
        super().__init__()
        self.wanted = wanted
        self.path: list[str] = []
        self.found: list[str] = []

    def enter(self, node: Node, *_: Any) -> None:
        if isinstance(node, FieldNode):
            self.path.append(selections.key(node))
        if node is self.wanted:
            self.found = list(self.path)

    def leave(self, node: Node, *_: Any) -> None:
        if isinstance(node, FieldNode):
            self.path.pop()


def _path(error: GraphQLError, ast: DocumentNode) -> str:
    if not error.nodes:
        return ""
    finder = _Finder(error.nodes[0])
    visit(ast, finder)
    return "/".join(finder.found)
