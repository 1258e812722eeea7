"""Finding the stories that a user names: a pattern, a story, ``pattern/story``, a file or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from sandbox.stories.loading import Problem, StoryError, load_all
from sandbox.stories.model import Story

DEFAULT = "template.yaml"
SUFFIX = ".story.yaml"
_ALL = "`ls scenarios` lists the patterns, `grep -rh ^id: scenarios` the stories"


class UnknownStoryError(Exception):
    """A name that is no pattern and no story."""


def scenarios_folder(start: Path | None = None) -> Path:
    """The folder ``scenarios``: in the working folder or one above it, else beside the package."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "scenarios").is_dir():
            return folder / "scenarios"
    return Path(__file__).parents[2] / "scenarios"


def story_files(folder: Path) -> list[Path]:
    """All story files of a folder, by path."""
    return sorted(folder.rglob(f"*{SUFFIX}"))


def find_stories(names: Sequence[str], folder: Path | None = None) -> list[Story]:
    """The stories that the names mean, each once, in the order of the names; all of them without a name.

    Where every name begins with a pattern's, the files of the other patterns are not read.
    Raises ``UnknownStoryError``, or ``StoryError`` for a file that cannot be read.
    """
    base = folder or scenarios_folder()
    paths = [Path(name) for name in names if _is_path(name)]
    plain = [name for name in names if not _is_path(name)]
    files = [file for path in paths for file in ([path] if path.is_file() else story_files(path))]
    empty = [str(path) for path in paths if path.is_dir() and not story_files(path)]
    if empty:
        raise UnknownStoryError(f"{empty[0]} holds no story (*{SUFFIX})")
    found = load_all(dict.fromkeys(files))
    if plain or not names:
        every = story_files(base)
        if not every:
            raise UnknownStoryError(f"{base} holds no story (*{SUFFIX})")
        known = load_all(_of_patterns(plain, every))
        for name in plain:
            found += _named(name, known) or _anywhere(name, every)
        found += [] if names else known
    return list({(story.file, story.id): story for story in found}.values())


def check_templates(stories: Sequence[Story]) -> None:
    """Raises ``StoryError`` for stories whose template does not exist."""
    problems = []
    for story in stories:
        template = story.file.parent / story.template
        if not template.is_file():
            mark = story.index.find(["template"])[0] if story.index and story.template != DEFAULT else None
            line, column = (mark.line + 1, mark.column + 1) if mark else (story.line, 1)
            problems.append(Problem(story.file, line, column, "template", f"there is no file {template}"))
    if problems:
        raise StoryError(problems)


def _is_path(name: str) -> bool:
    return Path(name).exists() and (name.endswith(SUFFIX) or Path(name).is_dir())


def _of_patterns(names: Sequence[str], files: Sequence[Path]) -> list[Path]:
    """The files of the patterns that the names begin with; all files unless each begins with one."""
    patterns = {file: file.resolve().parent.name for file in files}
    wanted = {name.partition("/")[0] for name in names}
    if not wanted or not wanted <= set(patterns.values()):
        return list(files)
    return [file for file in files if patterns[file] in wanted]


def _named(name: str, stories: Sequence[Story]) -> list[Story]:
    return [story for story in stories if name in (story.pattern, story.id, f"{story.pattern}/{story.id}")]


def _anywhere(name: str, files: Sequence[Path]) -> list[Story]:
    stories = load_all(files)
    found = _named(name, stories)
    if found:
        return found
    names = sorted({story.pattern for story in stories} | {story.id for story in stories})
    near = get_close_matches(name, names, 3)
    hint = f"did you mean {', '.join(near)}? {_ALL}" if near else _ALL
    raise UnknownStoryError(f"{name!r} is no pattern, story or file; {hint}")
