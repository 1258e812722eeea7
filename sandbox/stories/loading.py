"""Reading story files. What is wrong is told with file, line, column and field, everything at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sandbox.stories.model import Story
from sandbox.stories.places import Index
from sandbox.stories.schema import field_names

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where PyYAML was built with it


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a story file; line and column count from 1."""

    file: Path
    line: int
    column: int
    field: str
    message: str

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        return f"{self.file}:{self.line}:{self.column}: {field}{self.message}"


class StoryError(Exception):
    """Story files that cannot be read; ``problems`` lists all faults."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def load_stories(path: Path) -> list[Story]:
    """The stories of a file, in order; raises :class:`StoryError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoryError([Problem(path, 1, 1, "", f"cannot be read: {error}")]) from None
    problems: list[Problem] = []
    stories: list[Story] = []
    for node in _documents(path, text):
        try:
            problems += _repeated(path, node)
        except RecursionError:
            line = node.start_mark.line + 1
            told = "is nested too deep, or an alias (*name) is inside of what it stands for"
            raise StoryError([*problems, Problem(path, line, 1, "", told)]) from None
        story = _story(path, node, problems)
        if story is not None:
            twin = next((one for one in stories if one.id == story.id), None)
            if twin is not None:
                mark, _ = Index(node).find(["id"])
                told = f"{story.id!r} is the id of the story on line {twin.line}, too"
                problems.append(Problem(path, mark.line + 1, mark.column + 1, "id", told))
            stories.append(story)
    if problems:
        raise StoryError(problems)
    if not stories:
        raise StoryError([Problem(path, 1, 1, "", "the file holds no story")])
    return stories


def load_all(paths: Iterable[Path]) -> list[Story]:
    """The stories of several files; raises one :class:`StoryError` with the faults of all of them."""
    problems: list[Problem] = []
    stories: list[Story] = []
    known: dict[tuple[str, str], Story] = {}
    for path in paths:
        try:
            found = load_stories(path)
        except StoryError as error:
            problems += error.problems
            continue
        for story in found:
            twin = known.setdefault((story.pattern, story.id), story)
            if twin is not story:
                told = f"{story.id!r} is the id of a story in {twin.file}:{twin.line}, too"
                problems.append(Problem(path, story.line, 1, "id", told))
        stories += found
    if problems:
        raise StoryError(problems)
    return stories


def _documents(path: Path, text: str) -> list[yaml.Node]:
    try:
        return [node for node in yaml.compose_all(text, Loader=_LOADER) if node is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        told = f"not YAML: {error.problem or error.context}"
        raise StoryError([Problem(path, *where, "", told)]) from None
    except yaml.YAMLError as error:
        raise StoryError([Problem(path, 1, 1, "", f"not YAML: {error}")]) from None


def _repeated(path: Path, node: yaml.Node, field: str = "") -> list[Problem]:
    problems: list[Problem] = []
    if isinstance(node, yaml.SequenceNode):
        for n, child in enumerate(node.value):
            problems += _repeated(path, child, f"{field}[{n}]")
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = f"{field}.{key.value}" if field else str(key.value)
            if str(key.value) in seen:
                mark = key.start_mark
                problems.append(Problem(path, mark.line + 1, mark.column + 1, name, "is given twice"))
            seen.add(str(key.value))
            problems += _repeated(path, value, name)
    return problems


def _story(path: Path, node: yaml.Node, problems: list[Problem]) -> Story | None:
    index = Index(node)
    start = node.start_mark
    loader = yaml.SafeLoader("")
    try:
        data: Any = loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None) or start
        told = getattr(error, "problem", None) or str(error)
        problems.append(Problem(path, mark.line + 1, mark.column + 1, "", told))
        return None
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        told = f"a story is a mapping with id, title, clients, expect ...; this is a {type(data).__name__}"
        problems.append(Problem(path, start.line + 1, start.column + 1, "", told))
        return None
    try:
        story = Story.model_validate(data, context={"folder": path.parent})
    except ValidationError as error:
        problems += _validation_problems(path, index, error)
        return None
    return story.placed(path, start.line + 1, index)


def _validation_problems(path: Path, index: Index, error: ValidationError) -> list[Problem]:
    """Pydantic's errors with their places. Of a union whose members all fail, one line tells each way."""
    problems: dict[tuple[int, int, str], list[str]] = {}
    for one in error.errors(include_url=False):
        loc = one["loc"]
        mark, field = index.find(loc)
        message = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(loc[-1]), sorted(field_names()), 1)
            message = "is not a field of a story here" + (f"; did you mean {near[0]!r}?" if near else "")
        elif one["type"] == "missing":
            field = f"{field}.{loc[-1]}" if field else str(loc[-1])
            message = "is missing"
        elif one["type"] == "union_tag_invalid":
            message = f"unknown kind of client {one['ctx']['tag']!r}; there is {one['ctx']['expected_tags']}"
        told = problems.setdefault((mark.line + 1, mark.column + 1, field), [])
        if message not in told:
            told.append(message)
    return [Problem(path, *where, " or: ".join(told)) for where, told in problems.items()]
