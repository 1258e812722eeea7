"""Where the fields of a YAML document stand."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

Loc = Sequence[int | str]


class Index:
    """Where each field of a YAML document stands."""

    def __init__(self, node: yaml.Node) -> None:
        self._node = node

    @classmethod
    def of(cls, text: str) -> Index:
        """The index of a text that holds one document."""
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise ValueError("the text holds no document")
        return cls(node)

    def find(self, loc: Loc) -> tuple[yaml.Mark, str]:
        """(mark, path) of the deepest part of ``loc`` that the document has.

        Steps that are no field (pydantic names the member of a union that it tried) are passed over.
        """
        node, mark, path = self._node, self._node.start_mark, ""
        for step in loc:
            key, child = _child(node, step)
            if child is None:
                continue
            mark = (key or child).start_mark
            path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
            node = child
        return mark, path

    def line(self, loc: Loc) -> int:
        """The line of a field."""
        return self.find(loc)[0].line + 1


def _child(node: yaml.Node, step: int | str) -> tuple[yaml.Node | None, yaml.Node | None]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    return None, None
