"""Reading a Dockerfile: its instructions with their lines, and what the last stage makes of them. No files here.

Source: Dockerfile reference (docs.docker.com/reference/dockerfile). What a process on this machine cannot follow is a
:class:`DockerfileError` with its line.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_VARIABLE = re.compile(r"\\\$|\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})")
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S*))?\s+")
_KNOWN = frozenset(
    [
        "FROM",
        "ARG",
        "ENV",
        "WORKDIR",
        "COPY",
        "ADD",
        "RUN",
        "CMD",
        "ENTRYPOINT",
        "EXPOSE",
        "LABEL",
        "MAINTAINER",
        "USER",
        "VOLUME",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "SHELL",
        "ONBUILD",
    ]
)


class DockerfileError(Exception):
    """What is wrong or cannot be followed, and where."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}:{line}: {problem}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Instruction:
    """``name`` in capitals, ``text`` behind it with its flags cut off, ``line`` from 1."""

    name: str
    text: str
    flags: Mapping[str, str]
    line: int


@dataclass(slots=True)
class Copy:
    """``COPY`` or ``ADD``: from the build context to an absolute path; ``into`` is a folder when that is written."""

    sources: list[str]
    target: str
    line: int

    @property
    def into_folder(self) -> bool:
        return self.target.endswith("/") or len(self.sources) > 1


@dataclass(slots=True)
class Recipe:
    """What an image is: the last stage of a Dockerfile, its variables filled in."""

    file: str
    base: str
    base_line: int = 1
    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    steps: list[Copy | Instruction] = field(
        default_factory=list
    )  # copies, RUNs and new folders in their order
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    stop_signal: str = "SIGTERM"
    labels: dict[str, str] = field(default_factory=dict)
    user: str = ""


def parse(text: str, file: str) -> list[Instruction]:
    """The instructions of a Dockerfile. Raises :class:`DockerfileError`."""
    found = []
    for line, logical in _logical_lines(text):
        name, _, rest = logical.partition(" ")
        name, rest = name.upper(), rest.strip()
        if name not in _KNOWN:
            raise DockerfileError(file, line, f"{name} is no instruction of a Dockerfile")
        if "<<" in rest and name in ("RUN", "COPY", "ADD"):
            raise DockerfileError(file, line, f"here-documents in {name} are not emulated")
        flags: dict[str, str] = {}
        while name in ("FROM", "COPY", "ADD", "RUN", "HEALTHCHECK") and (flag := _FLAG.match(rest)):
            flags[flag[1]] = flag[2] or ""
            rest = rest[flag.end() :]
        found.append(Instruction(name, rest, flags, line))
    return found


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations, without comments and empty ones, and the number of the first."""
    parts: list[str] = []
    start = 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        start = start if parts else number
        if line.endswith("\\"):
            parts.append(line[:-1].strip())
            continue
        yield start, " ".join([*parts, line])
        parts = []
    if parts:
        yield start, " ".join(parts)


def recipe(text: str, file: str) -> Recipe:
    """What the last stage makes. Raises :class:`DockerfileError`."""
    return _Reader(file).read(parse(text, file))


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._global: dict[str, str] = {}  # ARGs before the first FROM
        self._arguments: dict[str, str] = {}
        self._made: Recipe | None = None
        self._stages: dict[str, Recipe] = {}
        self._shell = ["/bin/sh", "-c"]

    def read(self, instructions: list[Instruction]) -> Recipe:
        for one in instructions:
            if self._made is None and one.name not in ("FROM", "ARG"):
                raise self._error(one, f"{one.name} before FROM")
            getattr(self, f"do_{one.name.lower()}")(one)
        if self._made is None:
            raise DockerfileError(self._file, 1, "there is no FROM")
        return self._made

    def _error(self, one: Instruction, problem: str) -> DockerfileError:
        return DockerfileError(self._file, one.line, problem)

    @property
    def _recipe(self) -> Recipe:
        assert self._made is not None
        return self._made

    def _fill(self, text: str) -> str:
        """``$NAME``, ``${NAME}``, ``${NAME:-default}`` and ``${NAME:+other}`` replaced."""
        known = self._arguments if self._made is None else {**self._arguments, **self._made.environment}

        def value(found: re.Match[str]) -> str:
            if found[0] == r"\$":
                return "$"
            name, mark = found[1] or found[2], found[3]
            held = known.get(name, "")
            if mark == "+":
                return found[4] if held else ""
            return held or (found[4] if mark == "-" else "")

        return _VARIABLE.sub(value, text)

    # -- instructions

    def do_from(self, one: Instruction) -> None:
        words = one.text.split()
        if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
            raise self._error(one, "FROM takes an image, and AS with a name")
        self._arguments = dict(self._global)
        self._made, base = None, self._fill(words[0])
        known = self._stages.get(base.lower())
        if known is not None:
            made = Recipe(
                known.file, known.base, known.base_line, dict(known.environment), known.workdir, list(known.steps),
                list(known.entrypoint), list(known.command), known.stop_signal, dict(known.labels), known.user,
            )  # fmt: skip
        else:
            made = Recipe(self._file, base, one.line)
        self._arguments = {}
        self._made = made
        self._shell = ["/bin/sh", "-c"]
        if len(words) == 3:
            self._stages[words[2].lower()] = made

    def do_arg(self, one: Instruction) -> None:
        for word in self._words(one, one.text):
            name, given, default = word.partition("=")
            value = self._fill(default) if given else self._global.get(name, "")
            self._arguments[name] = value
            if self._made is None:
                self._global[name] = value

    def do_env(self, one: Instruction) -> None:
        words = self._words(one, one.text)
        if words and "=" not in words[0]:  # the old form: one name, and the rest is its value
            name, _, value = one.text.partition(" ")
            self._recipe.environment[name] = self._fill(value.strip())
            return
        made = dict(word.partition("=")[::2] for word in words)
        self._recipe.environment.update({name: self._fill(value) for name, value in made.items()})

    def do_label(self, one: Instruction) -> None:
        pairs = (word.partition("=")[::2] for word in self._words(one, one.text))
        self._recipe.labels.update({name: self._fill(value) for name, value in pairs})

    def do_workdir(self, one: Instruction) -> None:
        self._recipe.workdir = self._absolute(self._fill(one.text.strip("\"'")))
        self._recipe.steps.append(Instruction("WORKDIR", self._recipe.workdir, {}, one.line))

    def _absolute(self, path: str) -> str:
        """A path inside the image, a trailing slash kept."""
        folder = path.endswith(("/", "/."))
        joined = path if path.startswith("/") else f"{self._recipe.workdir}/{path}"
        parts: list[str] = []
        for part in joined.split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        return "/" + "/".join(parts) + ("/" if folder and parts else "")

    def do_copy(self, one: Instruction) -> None:
        if "from" in one.flags:
            raise self._error(one, f"{one.name} --from is not emulated: nothing is built in earlier stages")
        words = self._exec_form(one) or [self._fill(word) for word in self._words(one, one.text)]
        if len(words) < 2:
            raise self._error(one, f"{one.name} takes what to copy, and where to")
        remote = [word for word in words[:-1] if re.match(r"[a-z]+://|git@", word)]
        if remote:
            raise self._error(
                one, f"{one.name} of {remote[0]} is not emulated: only files of the build context"
            )
        target = words[-1] if words[-1] not in (".", "./") else self._recipe.workdir + "/"
        self._recipe.steps.append(Copy(words[:-1], self._absolute(target), one.line))

    do_add = do_copy

    def do_run(self, one: Instruction) -> None:
        words = self._exec_form(one)
        self._recipe.steps.append(
            Instruction("RUN", shlex.join(words) if words else self._fill(one.text), one.flags, one.line)
        )

    def do_cmd(self, one: Instruction) -> None:
        self._recipe.command = self._exec_form(one) or [*self._shell, one.text]

    def do_entrypoint(self, one: Instruction) -> None:
        self._recipe.entrypoint = self._exec_form(one) or [*self._shell, one.text]
        self._recipe.command = []  # as Docker does with that of the base image

    def do_shell(self, one: Instruction) -> None:
        self._shell = self._exec_form(one) or self._shell

    def do_user(self, one: Instruction) -> None:
        self._recipe.user = self._fill(one.text)

    def do_stopsignal(self, one: Instruction) -> None:
        self._recipe.stop_signal = self._fill(one.text)

    def do_volume(self, one: Instruction) -> None:
        for path in self._exec_form(one) or one.text.split():
            self._recipe.steps.append(Instruction("WORKDIR", self._absolute(self._fill(path)), {}, one.line))

    def do_onbuild(self, one: Instruction) -> None:
        raise self._error(one, "ONBUILD is not emulated")

    def do_expose(self, one: Instruction) -> None:
        """Documentation only: the task definition maps ports."""

    def do_maintainer(self, one: Instruction) -> None:
        """Documentation only."""

    def do_healthcheck(self, one: Instruction) -> None:
        """ECS does not look at the health check of an image, only at that of the task definition."""

    def _words(self, one: Instruction, text: str) -> list[str]:
        try:
            return shlex.split(text)
        except ValueError as error:
            raise self._error(one, f"{one.name}: {error}") from error

    def _exec_form(self, one: Instruction) -> list[str] | None:
        """The words of ``["a", "b"]``; ``None`` for the other form."""
        if not one.text.startswith("["):
            return None
        try:
            words = json.loads(one.text)
        except ValueError:
            return None  # Docker then takes it as a command of the shell
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise self._error(one, f"{one.name} takes a list of texts")
        return words
