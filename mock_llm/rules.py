"""Scripted answers: rules that look at a request and say what the model answers, how, or what goes wrong.

The first rule that fits answers; a request that none fits is answered as without rules. Rules are read from
a YAML file (``rules:``) or given as data.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from mock_llm import faults
from mock_llm.conversation import Conversation
from mock_llm.pace import Profile
from mock_llm.profiles import ProfileError, apply
from mock_llm.recording import Recording, RecordingError, load_recording
from mock_llm.yaml_places import line_of


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return text


Regex = Annotated[str, AfterValidator(_regex)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Strict):
    """What a request must be like; what is not given does not matter. Texts are searched, case does not matter."""

    prompt: Regex | None = Field(None, description="Found in the user's last text.")
    system: Regex | None = Field(None, description="Found in the system prompt.")
    tool_result: Regex | None = Field(None, description="Found in what a tool gave since the last answer.")
    turn: int | None = Field(None, ge=1, description="Number of the answer in the conversation, from 1.")
    tool: str | None = Field(None, description="A tool of this name is offered.")
    model: str | None = Field(None, description="The model's name; * and ? stand for any letters.")
    api: str | None = Field(None, description="openai.chat, openai.responses, anthropic.messages, bedrock.*")
    stream: bool | None = Field(None, description="Whether the answer is to be streamed.")

    def fits(self, heard: Conversation, api: str, model: str, stream: bool) -> bool:
        """Whether a request is like that."""
        texts = (
            (self.prompt, (heard.prompt,)),
            (self.system, (heard.system,)),
            (self.tool_result, heard.results),
        )
        return (
            all(not wanted or any(_found(wanted, text) for text in said) for wanted, said in texts)
            and self.turn in (None, heard.turn)
            and self.stream in (None, stream)
            and (self.tool is None or any(tool.name == self.tool for tool in heard.tools))
            and (self.model is None or fnmatch.fnmatchcase(model, self.model))
            and (self.api is None or fnmatch.fnmatchcase(api, self.api))
        )


class Call(_Strict):
    """A call of a tool."""

    tool: str = Field(min_length=1, description="The tool's name.")
    arguments: dict[str, Any] = Field(default_factory=dict, description="Its arguments.")


class Reply(_Strict):
    """What the model says, then the tools that it calls."""

    text: str = ""
    calls: tuple[Call, ...] = ()


def _reply(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


class Rule(_Strict):
    """One rule. ``answer``: a text, or text and calls. ``times``: it fits that often, then no more."""

    name: str = ""
    when: When = When()
    answer: Annotated[Reply, BeforeValidator(_reply)] | None = None
    replay: Path | None = Field(None, description="A recording to answer with.")
    speed: float = Field(1.0, gt=0, description="Of the recording: 2 is twice as fast.")
    pace: dict[str, str | int | float] = Field(
        default_factory=dict, description="profile and keys of a profile"
    )
    fault: str | None = None
    times: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _can_be(self) -> Rule:
        if self.answer is not None and self.replay is not None:
            raise ValueError("a rule has answer or replay, not both")
        apply(Profile(""), {key: value for key, value in self.pace.items() if key != "profile"})
        if self.fault is not None:
            faults.read(self.fault)
        return self


class RuleBook:
    """Rules in their order, with how often each has answered. ``folder``: where the paths of recordings start."""

    def __init__(self, rules: Sequence[Rule] = (), folder: Path | None = None) -> None:
        self.rules = tuple(rules)
        self._used = [0] * len(self.rules)
        self._recordings: dict[int, Recording] = {}
        for number, rule in enumerate(self.rules):
            if rule.replay is not None:
                self._recordings[number] = _recording((folder or Path()) / rule.replay, rule.speed)

    def find(
        self, heard: Conversation, api: str, model: str, stream: bool
    ) -> tuple[Rule, Recording | None] | None:
        """The first rule that fits, which then has answered once more, and its recording."""
        for number, rule in enumerate(self.rules):
            spent = rule.times is not None and self._used[number] >= rule.times
            if not spent and rule.when.fits(heard, api, model, stream):
                self._used[number] += 1
                return rule, self._recordings.get(number)
        return None

    def data(self) -> list[dict[str, Any]]:
        """As plain data, the shape that :func:`read_rules` takes."""
        return [rule.model_dump(mode="json", exclude_defaults=True) for rule in self.rules]


def read_rules(value: Any, folder: Path | None = None) -> RuleBook:
    """Rules from plain data, a list. Raises ``ProfileError`` naming rule and key."""
    if not isinstance(value, list):
        raise ProfileError("rules must be a list")
    return RuleBook([_rule(row, f"rules.{number}") for number, row in enumerate(value)], folder)


def load_rules(path: Path) -> RuleBook:
    """Rules of a YAML file. Raises ``ProfileError`` naming file, line and key."""
    try:
        text = path.read_text("utf-8")
        data = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ProfileError(f"{where}: {getattr(error, 'problem', None) or error}") from None
    rows = data.get("rules") if isinstance(data, dict) and set(data) == {"rules"} else data
    if not isinstance(rows, list):
        raise ProfileError(f"{path}:1: a rule file is 'rules:' and a list of rules, and no other key")
    prefix: tuple[str | int, ...] = ("rules",) if rows is not data else ()
    rules = [_rule(row, str(path), text, (*prefix, number)) for number, row in enumerate(rows)]
    try:
        return RuleBook(rules, path.parent)
    except ProfileError as error:
        raise ProfileError(f"{path}: {error}") from None


def _rule(row: Any, where: str, text: str = "", place: tuple[str | int, ...] = ()) -> Rule:
    try:
        return Rule.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        names = ".".join(map(str, first["loc"]))
        line = f":{line_of(text, (*place, *first['loc']))}" if text else ""
        what = first["msg"].removeprefix("Value error, ")
        raise ProfileError(f"{where}{line}: {names + ': ' if names else ''}{what}") from None


def _recording(path: Path, speed: float) -> Recording:
    try:
        return load_recording(path).scaled(speed)
    except RecordingError as error:
        raise ProfileError(str(error)) from None


def _found(wanted: str, text: str) -> bool:
    return re.search(wanted, text, re.IGNORECASE) is not None
