"""Reading a template's text: YAML with CloudFormation's short tags, or JSON, and where each part stands.

CloudFormation reads YAML 1.1 but leaves dates alone (``2012-10-17`` is text) and refuses aliases and keys that
come twice. Source: AWS CloudFormation User Guide, "CloudFormation template format".
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, NoReturn

import yaml

from sandbox.control.cloudformation.errors import Path_, ValidationError

_WITHOUT_PREFIX = {"Ref", "Condition"}  # !Ref is {"Ref": ...}; all other tags are {"Fn::...": ...}
_TAGS = {
    "And", "Base64", "Cidr", "Condition", "Equals", "FindInMap", "ForEach", "GetAZs", "GetAtt", "If", "ImportValue",
    "Join", "Length", "Not", "Or", "Ref", "Select", "Split", "Sub", "ToJsonString", "Transform",
}  # fmt: skip


Lines = Mapping[Path_, int]


@dataclass(frozen=True)
class Document:
    """A template as read. ``find_lines``: asked for ``lines`` when a line is first wanted."""

    text: str
    value: dict[str, Any]
    find_lines: Callable[[], Lines] = field(default=dict, repr=False, compare=False)

    @cached_property
    def lines(self) -> Lines:
        """The line (from 1) on which the value at a path begins."""
        return self.find_lines()

    def line(self, path: Path_) -> int:
        """The line of ``path``, or of the nearest part around it; a resource made by a transform has the
        line of the resource whose name its own name begins with."""
        for end in range(len(path), 0, -1):
            if (known := self.lines.get(path[:end])) is not None:
                return known
            if end == 2 and path[0] == "Resources":
                return self._resource_line(str(path[1]))
        return 0

    def _resource_line(self, logical_id: str) -> int:
        names = [
            p for p in self.lines if len(p) == 2 and p[0] == "Resources" and logical_id.startswith(str(p[1]))
        ]
        return self.lines[max(names, key=lambda p: len(str(p[1])))] if names else 0


# libyaml where PyYAML's wheel has it: ten times as fast.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # one of two classes
    """Only the scalars that CloudFormation knows: no dates."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Builder:
    """Makes plain values of YAML nodes and notes their lines."""

    def __init__(self, loader: _Loader, allow_aliases: bool) -> None:
        self.loader = loader
        self.lines: dict[Path_, int] = {}
        self.allow_aliases = allow_aliases
        self.seen: set[int] = set()

    def build(self, node: yaml.Node, path: Path_) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if not isinstance(node, yaml.ScalarNode) and not self.allow_aliases and id(node) in self.seen:
            raise ValidationError(
                "Template error: YAML aliases are not allowed in CloudFormation templates", path
            )
        self.seen.add(id(node))
        if node.tag.startswith("!"):
            return self._short_form(node, path)
        return self._plain(node, path)

    def _plain(self, node: yaml.Node, path: Path_) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self.loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        if self.allow_aliases:
            self.loader.flatten_mapping(node)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in result and not self.allow_aliases:
                _not_well_formed("YAML", key_node.start_mark)
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            result[key] = self.build(value_node, (*path, key))
        return result

    def _short_form(self, node: yaml.Node, path: Path_) -> Any:
        tag = node.tag[1:]
        if tag not in _TAGS:
            raise ValidationError(f"Template format error: unknown tag !{tag}", path)  # the text is UNSOURCED
        name = tag if tag in _WITHOUT_PREFIX else f"Fn::{tag}"
        inner = (*path, name)
        if isinstance(node, yaml.ScalarNode):
            value: Any = node.value
            if tag == "GetAtt":
                resource, _, attribute = node.value.partition(".")
                value = [resource, attribute] if attribute else [resource]
            self.lines[inner] = node.start_mark.line + 1
            return {name: value}
        return {name: self._plain(node, inner)}


def _not_well_formed(language: str, mark: Any) -> NoReturn:
    raise ValidationError(
        f"Template format error: {language} not well-formed. (line {mark.line + 1}, column {mark.column + 1})"
    )


def _read_yaml(text: str, allow_aliases: bool) -> tuple[Any, dict[Path_, int]]:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, {}
        builder = _Builder(loader, allow_aliases)
        return builder.build(node, ()), builder.lines
    except yaml.MarkedYAMLError as e:
        _not_well_formed("YAML", e.problem_mark or e.context_mark or yaml.Mark("", 0, 0, 0, None, 0))
    except yaml.YAMLError as e:
        raise ValidationError(f"Template format error: YAML not well-formed. ({e})") from e
    finally:
        loader.dispose()


def _lines_of_json(text: str) -> Lines:
    """JSON is nearly YAML: read it again, only for the lines (a tab is the usual difference)."""
    try:
        return _read_yaml(text.replace("\t", " "), True)[1]
    except ValidationError:
        return {}


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as e:
        raise ValidationError(
            f"Template format error: JSON not well-formed. (line {e.lineno}, column {e.colno})"
        ) from e


@lru_cache(maxsize=32)
def _kept(text: str, allow_aliases: bool) -> tuple[bytes, Lines]:
    """A text's value, packed, and its lines: a pattern's stories read one template again and again."""
    value, lines = _read_yaml(text, allow_aliases)
    return pickle.dumps(value), lines


def read(text: str, *, allow_aliases: bool = False) -> Document:
    """Read a template; its value is the caller's own. ``allow_aliases``: as local tools do before they upload it.

    Raises :class:`ValidationError` with AWS's "not well-formed" or "unsupported structure".
    """
    if text.lstrip().startswith("{"):
        value, find_lines = _read_json(text), lambda: _lines_of_json(text)
    else:
        packed, lines = _kept(text, allow_aliases)
        value, find_lines = pickle.loads(packed), lambda: lines
    if not isinstance(value, dict):
        raise ValidationError("Template format error: unsupported structure.")
    return Document(text, value, find_lines)
