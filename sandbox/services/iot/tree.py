"""Subscriptions by topic level, so that a publish looks only at those that can match."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class _Node(Generic[T]):
    __slots__ = ("children", "kept")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.kept: dict[str, T] = {}


class Tree(Generic[T]):
    """Values by topic filter and key (a client id). Matches as :func:`topics.matches` does."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def put(self, pattern: str, key: str, value: T) -> None:
        """Keep a value; one with the same filter and key is replaced."""
        node = self._root
        for level in pattern.split("/"):
            node = node.children.setdefault(level, _Node())
        node.kept[key] = value

    def drop(self, pattern: str, key: str) -> None:
        """Forget a value; nothing happens when there is none."""
        way: list[tuple[_Node[T], str]] = []
        node = self._root
        for level in pattern.split("/"):
            if level not in node.children:
                return
            way.append((node, level))
            node = node.children[level]
        node.kept.pop(key, None)
        for parent, level in reversed(way):
            child = parent.children[level]
            if child.kept or child.children:
                break
            del parent.children[level]

    def match(self, topic: str) -> Iterator[T]:
        """The values whose filters match, in the order of their levels."""
        levels = topic.split("/")
        reached = [self._root]
        for at, level in enumerate(levels):
            wild = at > 0 or not topic.startswith("$")
            following: list[_Node[T]] = []
            for node in reached:
                if (child := node.children.get(level)) is not None:
                    following.append(child)
                if wild and (child := node.children.get("+")) is not None:
                    following.append(child)
                if wild and (child := node.children.get("#")) is not None:
                    yield from tuple(child.kept.values())
            reached = following
        for node in reached:
            yield from tuple(node.kept.values())
