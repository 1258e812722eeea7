"""Names that a code uses and that nothing declares: ``Date``, ``fetch``, a misspelt variable.

AppSync refuses them when the code is saved (public reports of ``new Date()``). Where a name is declared does not
count here, only that it is: so nothing that AppSync takes is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

# What the runtime has besides what a code declares and imports.
THERE = frozenset(
    (
        *("util", "extensions", "runtime", "console", "arguments", "undefined", "NaN", "Infinity"),
        *("Object", "String", "Number", "Boolean", "Array", "Math", "JSON", "Map", "Set"),
        *("Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError"),
        *("parseInt", "parseFloat", "isNaN", "isFinite"),
        *("encodeURI", "encodeURIComponent", "decodeURI", "decodeURIComponent"),
    )
)
_PATTERNS = ("formal_parameters", "object_pattern", "array_pattern", "rest_pattern", "import_clause")
_NAMED = ("variable_declarator", "function_declaration", "function_expression")


def unknown_names(nodes: list[Node]) -> Iterator[Node]:
    """The first use of each name that nobody knows, among all nodes of a code."""
    names = [node for node in nodes if node.type in ("identifier", "shorthand_property_identifier")]
    declared = {_text(node) for node in names if _declares(node)}
    declared |= {_text(node) for node in nodes if node.type == "shorthand_property_identifier_pattern"}
    told: set[str] = set()
    for node in names:
        name = _text(node)
        if name not in declared and name not in THERE and name not in told and _uses(node):
            told.add(name)
            yield node


def _declares(node: Node) -> bool:
    parent = node.parent
    if parent is None:
        return False
    if parent.type in _NAMED and parent.child_by_field_name("name") == node:
        return True
    if parent.type in ("arrow_function", "catch_clause") and parent.child_by_field_name("parameter") == node:
        return True
    if parent.type == "for_in_statement" and parent.child_by_field_name("left") == node:
        return True
    return any(above.type in _PATTERNS for above in _above(node))


def _above(node: Node) -> Iterator[Node]:
    """The nodes around it, up to the next function or statement."""
    parent = node.parent
    while parent is not None and parent.type not in ("statement_block", "program"):
        yield parent
        parent = parent.parent


def _uses(node: Node) -> bool:
    """Whether the name stands for a value: ``typeof x`` may ask of anything, an exported name is nobody's."""
    parent = node.parent
    if parent is None:
        return True
    if parent.type == "export_specifier":
        return parent.child_by_field_name("alias") != node
    return not (parent.type == "unary_expression" and parent.children[0].type == "typeof")


def _text(node: Node) -> str:
    return (node.text or b"").decode()
