"""Which stage and route a path means.

Source: API Gateway developer guide, "Create routes for HTTP APIs": a full match of route and method first, then one
with a greedy path variable, then ``$default``. That a variable comes after a literal segment, and ``ANY`` after the
method itself, follows from the same page's examples. A slash at the end counts (UNSOURCED).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from sandbox.control.resources import V2Route

Rank = tuple[int, ...]


def split_stage(raw_path: str) -> tuple[str, str]:
    """The first segment, which may name a stage, and the path after it."""
    segment, slash, rest = raw_path.removeprefix("/").partition("/")
    return segment, slash + rest or "/"


def find(routes: Mapping[str, V2Route], method: str, path: str) -> tuple[V2Route, dict[str, str]] | None:
    """The most specific route that matches, and its path parameters, decoded."""
    segments = path.removeprefix("/").split("/")
    matches: list[tuple[Rank, int, V2Route, dict[str, str]]] = []
    for route in routes.values():
        wanted, _, pattern = route.key.partition(" ")
        if wanted not in (method, "ANY") or not pattern:
            continue
        found = _match(pattern.removeprefix("/").split("/"), segments)
        if found is not None:
            matches.append((found[0], int(wanted == "ANY"), route, found[1]))
    if matches:
        _, _, route, parameters = min(matches, key=lambda match: match[:2])
        return route, parameters
    default = routes.get("$default")
    return (default, {}) if default is not None else None


def _match(pattern: list[str], segments: list[str]) -> tuple[Rank, dict[str, str]] | None:
    parameters: dict[str, str] = {}
    rank: list[int] = []
    for index, part in enumerate(pattern):
        if index >= len(segments):
            return None
        if part.startswith("{") and part.endswith("+}"):
            rest = "/".join(segments[index:])
            if not rest:
                return None
            parameters[part[1:-2]] = unquote(rest)
            return (1, *rank, 2), parameters  # behind every full match, whatever its segments are
        if part.startswith("{") and part.endswith("}"):
            if not segments[index]:
                return None
            parameters[part[1:-1]] = unquote(segments[index])
            rank.append(1)
        elif part == segments[index] or part == unquote(segments[index]):
            rank.append(0)
        else:
            return None
    return ((0, *rank), parameters) if len(pattern) == len(segments) else None
