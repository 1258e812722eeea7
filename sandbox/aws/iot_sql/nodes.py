"""Expressions of IoT SQL as a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text, ``true``, ``false`` or ``null``."""

    value: Any


@dataclass(frozen=True, slots=True)
class Star:
    """``*``: the whole payload."""


@dataclass(frozen=True, slots=True)
class Name:
    """A member of the payload: ``color``."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """``of.name``."""

    of: Node
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """``of[index]``."""

    of: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Call:
    """``function(arguments)``."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """``NOT x``, ``-x``."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """``left operator right``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Many:
    """``[a, b]``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """``{'name': value}``: an object that is written in the statement."""

    members: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """``CASE of WHEN a THEN b ... ELSE c END``."""

    of: Node
    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None


Node = Literal | Star | Name | Member | Item | Call | Unary | Binary | Many | Written | Case
