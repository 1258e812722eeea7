"""From text to a tree: ``SELECT [VALUE] ... FROM '<topic filter>' [WHERE ...]``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from sandbox.aws.iot_sql import nodes as n
from sandbox.aws.iot_sql.errors import SqlError, SqlNotEmulatedError
from sandbox.aws.iot_sql.functions import FUNCTIONS

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<text>'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*|`[^`]+`)|(?P<sign><>|!=|<=|>=|\|\||[-+*/%=<>(),.\[\]{}:]))"
)
_WORDS = frozenset(
    [
        "select",
        "value",
        "as",
        "from",
        "where",
        "and",
        "or",
        "not",
        "in",
        "is",
        "null",
        "true",
        "false",
        "case",
        "when",
        "then",
        "else",
        "end",
    ]
)
_TEMPLATE = re.compile(r"\$\{([^}]*)\}")
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("or",),
    ("and",),
    ("=", "<>", "!=", "<", "<=", ">", ">=", "in"),
    ("||",),
    ("+", "-"),
    ("*", "/", "%"),
)
_REFUSED = frozenset(["exists", "having", "group", "order", "join", "with", "union", "limit"])


@dataclass(frozen=True, slots=True)
class Query:
    """A statement. ``select``: expressions with their names (``None``: all members); ``value``: SELECT VALUE.

    A name is a path: ``AS state.reported`` makes an object in an object, as rules that write shadows have it (public
    repositories).
    """

    select: tuple[tuple[n.Node, tuple[str, ...] | None], ...]
    topic: str
    where: n.Node | None
    value: bool = False


@lru_cache(maxsize=512)
def parse(sql: str) -> Query:
    """A rule's statement. Raises :class:`SqlError`."""
    try:
        return _Parser(sql).query()
    except RecursionError as error:
        raise SqlError(f"The statement is nested too deep: {sql[:100]}...") from error


@lru_cache(maxsize=512)
def templates(text: str) -> tuple[str | n.Node, ...]:
    """A text with ``${expression}`` in it, cut into texts and expressions. Raises :class:`SqlError`."""
    pieces: list[str | n.Node] = []
    at = 0
    for found in _TEMPLATE.finditer(text):
        pieces += [text[at : found.start()], _Parser(found[1]).alone()]
        at = found.end()
    return (*pieces, text[at:])


class _Parser:
    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._tokens: list[tuple[str, str]] = []
        at = 0
        text = sql.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise SqlError(f"cannot read {text[at : at + 20]!r} in {sql!r}")
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind]))
            at = found.end()
        self._at = 0

    # -- tokens

    def _peek(self) -> str:
        """The next token, words in lower case; empty at the end."""
        if self._at >= len(self._tokens):
            return ""
        kind, text = self._tokens[self._at]
        return text.lower() if kind == "name" else text

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise SqlError(f"{self._sql!r} ends too soon")
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, *texts: str) -> bool:
        kind = self._tokens[self._at][0] if self._at < len(self._tokens) else ""
        if kind != "text" and self._peek() in texts:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            if self._peek() in _REFUSED:
                raise SqlNotEmulatedError(f"{self._peek().upper()} of IoT SQL")
            raise SqlError(
                f"{text.upper()} is expected before {self._peek() or 'the end'!r} in {self._sql!r}"
            )

    # -- the statement

    def query(self) -> Query:
        self._expect("select")
        value = self._accept("value")
        selected: list[tuple[n.Node, tuple[str, ...] | None]]
        selected = [(self.expression(), None)] if value else [self._selected()]
        while not value and self._accept(","):
            selected.append(self._selected())
        self._expect("from")
        kind, text = self._next()
        if kind != "text":
            raise SqlError(f"the topic filter after FROM is a text, not {text!r}")
        where = self.expression() if self._accept("where") else None
        if self._peek():
            self._expect("the end")
        return Query(tuple(selected), text[1:-1], where, value)

    def _selected(self) -> tuple[n.Node, tuple[str, ...] | None]:
        node = n.Star() if self._accept("*") else self.expression()
        if not self._accept("as"):
            return node, None if isinstance(node, n.Star) else (_default(node),)
        names = [self._name()]
        while self._accept("."):
            names.append(self._name())
        return node, tuple(names)

    def _name(self) -> str:
        kind, text = self._next()
        if kind == "text":
            return _unquoted(text)
        if kind != "name":
            raise SqlError(f"a name is expected, not {text!r}")
        return text.strip("`")

    def alone(self) -> n.Node:
        """An expression that is the whole text."""
        node = self.expression()
        if self._peek():
            self._expect("the end")
        return node

    # -- expressions, by how tightly they bind

    def expression(self, level: int = 0) -> n.Node:
        if level == len(_LEVELS):
            return self._unary()
        if level == 2 and self._accept("not"):
            return n.Unary("not", self.expression(level))
        left = self.expression(level + 1)
        while self._peek() in _LEVELS[level]:
            operator = self._next()[1].lower()
            left = n.Binary("<>" if operator == "!=" else operator, left, self.expression(level + 1))
        return left

    def _unary(self) -> n.Node:
        if self._accept("-"):
            return n.Unary("-", self._unary())
        node = self._primary()
        while True:
            if self._accept("."):
                node = n.Member(node, self._name())
            elif self._accept("["):
                node = n.Item(node, self.expression())
                self._expect("]")
            else:
                return node

    def _primary(self) -> n.Node:
        kind, text = self._next()
        if kind == "number":
            return n.Literal(float(text) if any(c in text for c in ".eE") else int(text))
        if kind == "text":
            return n.Literal(_unquoted(text))
        if kind == "name":
            return self._word(text)
        if text == "(":
            node = self.expression()
            self._expect(")")
            return node
        if text == "*":
            return n.Star()
        if text == "[":
            return n.Many(self._list("]"))
        if text == "{":
            return n.Written(self._members())
        raise SqlError(f"{text!r} begins no expression in {self._sql!r}")

    def _word(self, text: str) -> n.Node:
        word = text.lower()
        if word in ("true", "false", "null"):
            return n.Literal({"true": True, "false": False, "null": None}[word])
        if word == "case":
            return self._case()
        if word == "not":
            return n.Unary("not", self.expression(2))
        if self._peek() == "(":
            self._next()
            if word not in FUNCTIONS:
                raise SqlNotEmulatedError(f"the function {text}() of IoT SQL")
            return n.Call(word, self._list(")"))
        if word in _WORDS:
            raise SqlError(f"{text!r} begins no expression in {self._sql!r}")
        return n.Name(text.strip("`"))

    def _list(self, end: str) -> tuple[n.Node, ...]:
        items: list[n.Node] = []
        while not self._accept(end):
            items.append(self.expression())
            if not self._accept(","):
                self._expect(end)
                break
        return tuple(items)

    def _members(self) -> tuple[tuple[str, n.Node], ...]:
        members: list[tuple[str, n.Node]] = []
        while not self._accept("}"):
            kind, text = self._next()
            if kind != "text":
                raise SqlError(f"a member of an object begins with its name as a text, not with {text!r}")
            self._expect(":")
            members.append((_unquoted(text), self.expression()))
            if not self._accept(","):
                self._expect("}")
                break
        return tuple(members)

    def _case(self) -> n.Node:
        of = self.expression()
        branches = []
        while self._accept("when"):
            when = self.expression()
            self._expect("then")
            branches.append((when, self.expression()))
        otherwise = self.expression() if self._accept("else") else None
        self._expect("end")
        return n.Case(of, tuple(branches), otherwise)


def _unquoted(text: str) -> str:
    inner = text[1:-1]
    return inner.replace("''", "'") if text[0] == "'" else re.sub(r"\\(.)", r"\1", inner)


def _default(node: n.Node) -> str:
    """The name of a selected value without AS: the last part of a path, or the function's."""
    match node:
        case n.Name(name) | n.Member(_, name):
            return name
        case n.Call(function, _):
            return function
    raise SqlError("a value that is neither a member nor a function needs AS")
