"""The user's JavaScript, read by a real parser: what APPSYNC_JS does not take, imports and exports.

The restrictions are those of the AppSync developer guide (supported runtime features) and of AWS's own ESLint plugin
(``@aws-appsync/eslint-plugin``, base rules). The kinds of errors are botocore's examples (``CodeError.errorType``);
the texts are UNSOURCED.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sandbox.aws.appsync_js.names import unknown_names

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MODULES = (
    "@aws-appsync/utils",
    "@aws-appsync/utils/ai",
    "@aws-appsync/utils/dynamodb",
    "@aws-appsync/utils/rds",
)

# node of the syntax tree -> what is not supported
REFUSED: Mapping[str, str] = {
    "try_statement": "try, catch and finally are not supported",
    "throw_statement": "throw is not supported; use util.error",
    "while_statement": "while loops are not supported",
    "do_statement": "do-while loops are not supported",
    "for_statement": "for loops are not supported, except for-in and for-of",
    "continue_statement": "continue is not supported",
    "labeled_statement": "labels are not supported",
    "class_declaration": "classes are not supported",
    "class": "classes are not supported",
    "generator_function": "generators are not supported",
    "generator_function_declaration": "generators are not supported",
    "yield_expression": "yield is not supported",
    "await_expression": "await is not supported: there are no asynchronous processes",
    "update_expression": "the unary operators ++ and -- are not supported",
    "this": "this is not supported",
    "regex": "regular expression literals are not supported; use util.matches",
    "with_statement": "with is not supported",
    "debugger_statement": "debugger is not supported",
    "decorator": "decorators are not supported",
}
_PLACE = re.compile(r":(\d+):(\d+)")
ASYNC = "async functions are not supported: there are no asynchronous processes"
FUNCTIONS = ("function_declaration", "function_expression", "arrow_function", "method_definition")


@dataclass(frozen=True, slots=True)
class CodeError:
    """What is wrong with a code, and where (line and column from 1, span in characters)."""

    type: str  # "PARSER_ERROR" or "LINT_ERROR"
    value: str
    line: int
    column: int
    span: int

    def document(self) -> dict[str, Any]:
        """botocore's ``CodeError``."""
        place = {"line": self.line, "column": self.column, "span": self.span}
        return {"errorType": self.type, "value": self.value, "location": place}


@dataclass(frozen=True, slots=True)
class Import:
    """An import. ``names``: what it is called there -> here; ``whole``: the name of the namespace."""

    module: str
    names: Mapping[str, str]
    whole: str | None = None


@dataclass(slots=True)
class Parsed:
    """A code as it was read. ``script``: the same text without its imports and exports, lines where they were."""

    script: str
    imports: list[Import] = field(default_factory=list)
    exports: dict[str, str] = field(default_factory=dict)  # exported name -> local name
    errors: list[CodeError] = field(default_factory=list)


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter_javascript
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_javascript.language()))


@lru_cache(maxsize=256)
def parse(code: str) -> Parsed:
    """Read a code. Never raises: what is wrong is in ``errors``."""
    source = code.encode()
    root = _parser().parse(source).root_node
    parsed = Parsed(script=code)
    parsed.errors.extend(_unparsed(code, root) if root.has_error else _refusals(root))
    if parsed.errors:
        return parsed
    blanked = bytearray(source)
    for node in root.named_children:
        if node.type == "import_statement":
            _import(node, parsed)
            _blank(blanked, node.start_byte, node.end_byte)
        elif node.type == "export_statement":
            _export(node, parsed, blanked)
    parsed.script = blanked.decode()
    if not parsed.errors:
        parsed.errors.extend(_uncompiled(parsed))
    return parsed


def factory(parsed: Parsed) -> str:
    """A function of the code. Its first line is the first line of the code, after one of ours."""
    bindings = []
    for item in parsed.imports:
        module = f"$modules[{json.dumps(item.module)}]"
        if item.whole:
            bindings.append(f"const {item.whole} = {module};")
        if item.names:
            names = ", ".join(f"{there}: {here}" for there, here in item.names.items())
            bindings.append(f"const {{{names}}} = {module};")
    exports = ", ".join(f"{name}: {local}" for name, local in parsed.exports.items())
    # util, extensions and runtime are there without an import as well, in a scope outside: a code may redeclare them.
    given = "const { util, extensions, runtime } = $modules['@aws-appsync/utils']"
    head = (
        f'(function ($modules, console) {{ "use strict"; {given}; return (function () {{ {" ".join(bindings)}'
    )
    return f"{head}\n{parsed.script}\nreturn {{{exports}}};\n}})(); }})"


def _uncompiled(parsed: Parsed) -> Iterator[CodeError]:
    """What only the engine sees: a name that is declared twice."""
    import quickjs

    try:
        quickjs.Context().eval(factory(parsed))
    except quickjs.JSException as error:
        message, _, trace = str(error).partition("\n")
        place = _PLACE.search(trace)
        line, column = (int(place[1]) - 1, int(place[2])) if place else (1, 1)
        text = message.removeprefix("SyntaxError: ")
        yield CodeError("PARSER_ERROR", f"Parsing error: {text}", max(1, line), column, 1)


def _walk(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(reversed(found.children))


def _unparsed(code: str, root: Node) -> Iterator[CodeError]:
    """The place of a syntax error as the engine tells it, which is nearer to the mistake than the tree's."""
    import quickjs

    try:
        quickjs.Context().module(code)
    except quickjs.JSException as error:
        message, _, trace = str(error).partition("\n")
        place = _PLACE.search(trace)
        if message.startswith("SyntaxError: ") and place:
            text = message.removeprefix("SyntaxError: ")
            yield CodeError("PARSER_ERROR", f"Parsing error: {text}", int(place[1]), int(place[2]), 1)
            return
    node = next(node for node in _walk(root) if node.is_error or node.is_missing)
    yield _error("PARSER_ERROR", f"Parsing error near '{_text(node)[:20]}'.", node)


def _refusals(root: Node) -> Iterator[CodeError]:
    nodes = list(_walk(root))
    found = [(node, problem) for node in nodes if node.is_named and (problem := _refused(node))]
    for node, problem in found:
        yield _error("LINT_ERROR", problem, node)
    for node in unknown_names(nodes):
        if node not in (told for told, _ in found):
            yield _error("LINT_ERROR", f"Cannot find name '{_text(node)}'.", node)


def _refused(node: Node) -> str | None:
    if node.type in REFUSED:
        return REFUSED[node.type]
    if node.type in FUNCTIONS and any(child.type == "async" for child in node.children):
        return ASYNC
    if node.type == "unary_expression" and _operator(node) == "~":
        return "the unary operator ~ is not supported"
    if node.type == "binary_expression" and _operator(node) in ("in", "instanceof"):
        return f"the operator {_operator(node)} is not supported"
    if node.type == "number" and _text(node).endswith("n"):
        return "BigInt values are not supported"
    if node.type == "identifier" and node.text == b"Promise":
        return "promises are not supported"
    if node.type == "call_expression" and node.children[0].type == "import":
        return "dynamic imports are not supported"
    return None


def _operator(node: Node) -> str:
    found = node.child_by_field_name("operator")
    return found.type if found else ""


def _error(kind: str, value: str, node: Node) -> CodeError:
    row, column = node.start_point
    end_row, end_column = node.end_point
    span = end_column - column if end_row == row else 1
    return CodeError(kind, value, row + 1, column + 1, max(1, span))


def _text(node: Node | None) -> str:
    return (node.text or b"").decode() if node else ""


def _blank(source: bytearray, start: int, end: int) -> None:
    """Spaces instead of a piece of code, so that every line and column stays where it was."""
    for index in range(start, end):
        if source[index] not in b"\r\n":
            source[index] = 0x20


def _import(node: Node, parsed: Parsed) -> None:
    module = _text(node.child_by_field_name("source"))[1:-1]
    if module not in MODULES:
        message = f"Cannot find module '{module}'. Only {', '.join(MODULES)} can be imported."
        parsed.errors.append(_error("LINT_ERROR", message, node))
        return
    clause = next((child for child in node.named_children if child.type == "import_clause"), None)
    for part in clause.named_children if clause else ():
        if part.type == "namespace_import":
            parsed.imports.append(Import(module, {}, _text(part.named_children[0])))
        elif part.type == "named_imports":
            names = {}
            for specifier in part.named_children:
                name = specifier.child_by_field_name("name")
                names[_text(name)] = _text(specifier.child_by_field_name("alias") or name)
            parsed.imports.append(Import(module, names))
        else:
            parsed.errors.append(_error("LINT_ERROR", f"Module '{module}' has no default export.", part))


def _export(node: Node, parsed: Parsed, source: bytearray) -> None:
    declaration = node.child_by_field_name("declaration")
    is_default = any(child.type == "default" for child in node.children)
    if declaration is not None and not is_default:
        _blank(source, node.start_byte, declaration.start_byte)
        for name in _declared(declaration):
            parsed.exports[name] = name
        return
    clause = next((child for child in node.named_children if child.type == "export_clause"), None)
    if clause is None or node.child_by_field_name("source") is not None:
        what = "export default is" if is_default else "exports of another module are"
        parsed.errors.append(_error("LINT_ERROR", f"{what} not supported", node))
        return
    for specifier in clause.named_children:
        local = specifier.child_by_field_name("name")
        parsed.exports[_text(specifier.child_by_field_name("alias") or local)] = _text(local)
    _blank(source, node.start_byte, node.end_byte)


def _declared(declaration: Node) -> Iterator[str]:
    name = declaration.child_by_field_name("name")
    if name is not None:
        yield _text(name)
    for declarator in declaration.named_children:
        if declarator.type == "variable_declarator":
            yield _text(declarator.child_by_field_name("name"))
