"""Which resource and method a path means: a literal segment before ``{param}``, that before ``{proxy+}``.

Source: API Gateway developer guide, "Set up API resources": a greedy path variable catches all child resources, and
a more specific resource wins. Trailing slashes do not count; parameters keep the encoding that was sent (recorded).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.control.resources import Method, RestResource

Match = tuple["RestResource", "Method", dict[str, str]]


def find(resources: Sequence[RestResource], http_method: str, path: str) -> Match | None:
    """The most specific resource that the path matches and that has the method (or ``ANY``)."""
    segments = [part for part in path.split("/") if part]
    matches: list[tuple[tuple[int, ...], RestResource, dict[str, str]]] = []
    for resource in resources:
        found = _match([part for part in resource.path.split("/") if part], segments)
        if found is not None:
            matches.append((*found[:1], resource, found[1]))
    for _, resource, parameters in sorted(matches, key=lambda match: match[0]):
        method = resource.methods.get(http_method) or resource.methods.get("ANY")
        if method is not None:
            return resource, method, parameters
    return None


def _match(pattern: list[str], segments: list[str]) -> tuple[tuple[int, ...], dict[str, str]] | None:
    """How the segments fit: a rank (lower is more specific, segment by segment) and the parameters."""
    parameters: dict[str, str] = {}
    rank: list[int] = []
    for index, part in enumerate(pattern):
        if part.startswith("{") and part.endswith("+}"):
            if index >= len(segments):
                return None
            parameters[part[1:-2]] = "/".join(segments[index:])
            return (*rank, 2), parameters
        if index >= len(segments):
            return None
        if part.startswith("{") and part.endswith("}"):
            parameters[part[1:-1]] = segments[index]
            rank.append(1)
        elif part == segments[index]:
            rank.append(0)
        else:
            return None
    return (tuple(rank), parameters) if len(pattern) == len(segments) else None
