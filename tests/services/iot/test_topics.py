"""Filters and topics, one by one and in the tree."""

from __future__ import annotations

import pytest

from sandbox.services.iot.topics import matches, shared
from sandbox.services.iot.tree import Tree

PAIRS = [
    ("a", "a", True),
    ("a", "b", False),
    ("a/+", "a/b", True),
    ("a/+", "a", False),
    ("a/+", "a/b/c", False),
    ("a/#", "a/b/c", True),
    ("a/#", "a/", True),
    ("a/#", "a", False),  # where IoT Core leaves the specification
    ("#", "a/b", True),
    ("+/+", "/a", True),
    ("+", "/a", False),
    ("/+", "/a", True),
    ("a//b", "a//b", True),
    ("a/+/b", "a//b", True),
    ("#", "$aws/x", False),
    ("+/x", "$aws/x", False),
    ("$aws/#", "$aws/x", True),
    ("$aws/+", "$aws/x", True),
]


@pytest.mark.parametrize(("pattern", "topic", "expected"), PAIRS)
def test_a_filter_matches(pattern: str, topic: str, expected: bool):
    assert matches(pattern, topic) is expected
    tree: Tree[str] = Tree()
    tree.put(pattern, "c", "found")
    assert list(tree.match(topic)) == (["found"] if expected else [])


def test_a_tree_forgets():
    tree: Tree[int] = Tree()
    tree.put("a/+/c", "one", 1)
    tree.put("a/+/c", "two", 2)
    tree.put("a/#", "one", 3)
    assert sorted(tree.match("a/b/c")) == [1, 2, 3]
    tree.put("a/+/c", "one", 4)
    tree.drop("a/#", "one")
    tree.drop("a/#", "nobody")
    tree.drop("x/y", "one")
    assert sorted(tree.match("a/b/c")) == [2, 4]
    tree.drop("a/+/c", "one")
    tree.drop("a/+/c", "two")
    assert list(tree.match("a/b/c")) == []
    assert not tree._root.children


def test_the_parts_of_a_shared_subscription():
    assert shared("$share/team/a/#") == ("team", "a/#")
    assert shared("a/$share/team") == (None, "a/$share/team")
