"""What a query selects: for ``context.info``, for the depth limit, and for what a mutation's subscribers get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, print_ast

if TYPE_CHECKING:
    from graphql import SelectionSetNode

Fragments = Mapping[str, FragmentDefinitionNode]


def fields(selection: SelectionSetNode | None, fragments: Fragments) -> Iterator[FieldNode]:
    """The fields of a selection set, also those in its fragments."""
    for node in selection.selections if selection else ():
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from fields(node.selection_set, fragments)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
            yield from fields(fragments[node.name.value].selection_set, fragments)


def key(node: FieldNode) -> str:
    """A field's name in the answer."""
    return node.alias.value if node.alias else node.name.value


def paths(nodes: Sequence[FieldNode], fragments: Fragments) -> list[str]:
    """``selectionSetList``: ``["id", "author", "author/name"]``, aliases instead of names, each once."""
    found: dict[str, None] = {}

    def walk(selection: SelectionSetNode | None, prefix: str) -> None:
        for node in fields(selection, fragments):
            path = f"{prefix}{key(node)}"
            found[path] = None
            walk(node.selection_set, f"{path}/")

    for node in nodes:
        walk(node.selection_set, "")
    return list(found)


def text(nodes: Sequence[FieldNode]) -> str:
    """``selectionSetGraphQL``: the selection as GraphQL."""
    return "\n".join(print_ast(node.selection_set) for node in nodes if node.selection_set)


def depth(selection: SelectionSetNode | None, fragments: Fragments) -> int:
    """How many levels of fields a selection has."""
    return max((1 + depth(node.selection_set, fragments) for node in fields(selection, fragments)), default=0)


def by_name(selection: SelectionSetNode | None, fragments: Fragments, data: Any) -> Any:
    """An answer's part with the schema's names instead of the query's aliases."""
    if isinstance(data, list):
        return [by_name(selection, fragments, item) for item in data]
    if selection is None or not isinstance(data, dict):
        return data
    made: dict[str, Any] = {}
    for node in fields(selection, fragments):
        if key(node) not in data:
            continue
        name = node.name.value
        value = by_name(node.selection_set, fragments, data[key(node)])
        if isinstance(value, dict) and isinstance(made.get(name), dict):
            value = {**made[name], **value}
        made[name] = value
    return made
