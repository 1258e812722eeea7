"""A story, as written in ``scenarios/<pattern>/*.story.yaml``: one in each YAML document of a file."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from mock_llm.settings import Overrides
from mock_llm.settings import Settings as ModelSettings
from sandbox.anomalies import Rules
from sandbox.aws.errors import AwsError
from sandbox.context import Control
from sandbox.stories.base import Strict
from sandbox.stories.clients import ClientSpec
from sandbox.stories.clients.base import Stage, StoryFailedError
from sandbox.stories.clients.request import captured
from sandbox.stories.expectations import StoryExpect
from sandbox.stories.places import Index
from sandbox.stories.units import Duration

VERBS = ("kill", "freeze", "thaw", "advance", "configure", "call", "model")
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$")]


QuotaName = Annotated[str, Field(pattern=r"^[a-z0-9-]+/L-[0-9A-F]{8}$")]


class ModelSpec(Strict):
    """How the mock model behaves, in its own words: a named profile, and what differs from it."""

    profile: str | None = Field(None, description="A profile of the mock model to start from.")
    first_token: Duration | None = Field(None, description="From the request to the first token.")
    rate: float | Literal["inf"] | None = Field(None, description="Tokens a second after the first.")
    tokens: int | None = Field(None, description="How many tokens the answer has.")
    jitter: str | None = Field(None, description="none, uniform:W, lognormal:S or exponential; seeded.")
    burst: int | None = Field(None, description="Tokens that leave together.")
    stall_after: int | None = Field(None, description="Tokens before a silence.")
    stall: Duration | Literal["forever"] | None = Field(None, description="Length of that silence.")
    seed: int | None = Field(None, description="Seed of the text and of the jitter.")
    fault: str | None = Field(
        None, description="What goes wrong: error:status=429, cut:after=20, drop:after=20, malformed ..."
    )
    models: dict[str, str] | None = Field(None, description="Profiles of single models, by name.")
    headers: Duration | Literal["first_token"] | None = Field(
        None, description="When status and headers of a stream leave."
    )
    thinking: int | None = Field(None, description="Tokens of reasoning before an answer that reasons.")
    load: float | None = Field(None, description="By what part each other answer in progress slows one.")
    quota: str | None = Field(
        None, description="What each model takes in a minute: requests=60,tokens=40000."
    )
    rules: str | list[dict[str, Any]] | None = Field(
        None, description="Scripted answers and replays: a YAML file beside the story, or its list."
    )

    @field_validator("rules")
    @classmethod
    def _beside_the_story(cls, rules: Any, info: ValidationInfo) -> Any:
        """Paths of rules and of recordings are relative to the story's folder."""
        folder = Path((info.context or {}).get("folder", ""))
        if isinstance(rules, str):
            return str(folder / rules)
        return rules and [
            {**rule, "replay": str(folder / rule["replay"])} if isinstance(rule.get("replay"), str) else rule
            for rule in rules
        ]

    @model_validator(mode="after")
    def _the_model_takes_it(self) -> ModelSpec:
        Overrides.read(self.values(), ModelSettings())  # a ProfileError is a ValueError that names the key
        return self

    def values(self) -> dict[str, Any]:
        """What is given, as the mock model is configured."""
        return self.model_dump(exclude_none=True)


class AnomaliesSpec(Strict):
    """What goes wrong with deliveries to subscribers, seeded; nothing by default."""

    duplicates: float | None = Field(None, description="Share of messages that a subscriber gets twice.")
    reordered: float | None = Field(None, description="Share of messages that later ones overtake.")
    reordered_by: Duration | None = Field(None, description="How long such a message is held back.")
    slow_subscribers: float | None = Field(None, description="Share of subscribers with a slow way to them.")
    slow_by: Duration | None = Field(None, description="What each message takes on such a way.")
    subscribe_delay: Duration | None = Field(
        None, description="From the request of a subscription to its standing; what comes meanwhile is lost."
    )
    deaf_after_ack: Duration | None = Field(
        None,
        description="After a subscription's acknowledgement: what comes in this time is lost all the same.",
    )
    services: list[str] | None = Field(None, description="Which services are meant: appsync, iot ...")

    @model_validator(mode="after")
    def _shares_are_shares(self) -> AnomaliesSpec:
        Rules.read(self.values())
        return self

    def values(self) -> dict[str, Any]:
        """What is given, as the sandbox is configured."""
        return self.model_dump(exclude_none=True)


def _model(value: Any) -> Any:
    return {"profile": value} if isinstance(value, str) else value


Pace = Annotated[ModelSpec, BeforeValidator(_model, json_schema_input_type=str | ModelSpec)]


class Target(Strict):
    """A function, by its logical id in the template or a part of its name."""

    function: str


class ApiCall(Strict):
    """A call of an AWS API, as the account's administrator."""

    service: str = Field(description="As boto3 calls it: cognito-idp.")
    operation: str = Field(description="As the API calls it: AdminCreateUser.")
    params: dict[str, Any] = Field(default_factory=dict, description="May hold ${outputs.Name}, captures.")
    capture: dict[str, str] = Field(
        default_factory=dict, description="Names for parts of the answer, as `token: Result.IdToken`."
    )

    async def make(self, control: Control, stage: Stage) -> None:
        """Call it; what is captured is known to every client. Raises ``StoryFailedError``."""
        told = f"{self.service} {self.operation}"
        try:
            answer = await control.call(self.service, self.operation, **stage.fill_all(self.params))
        except AwsError as error:
            raise StoryFailedError(f"{told}: {error}") from error
        stage.knowing(captured(self.capture, json.dumps(answer, default=str), f"{told} answered"))


class Action(Strict):
    """Something done to the sandbox at an instant of the story; exactly one of the verbs."""

    at: Duration = 0.0
    kill: Target | None = Field(None, description="Kill a function's processes (SIGKILL).")
    freeze: Target | None = Field(None, description="Stop a function's processes (SIGSTOP).")
    thaw: Target | None = Field(None, description="Continue them (SIGCONT).")
    advance: Duration | None = Field(None, description="Let time pass although nothing is in flight.")
    configure: dict[str, Any] | None = Field(
        None,
        description="UpdateFunctionConfiguration with these members, as AWS names them; may hold ${outputs.Name}.",
    )
    call: ApiCall | None = Field(None, description="Call an AWS API.")
    model: Pace | None = Field(None, description="How the model behaves from now on.")

    @model_validator(mode="after")
    def _one_verb(self) -> Action:
        given = [verb for verb in VERBS if verb in self.model_fields_set]
        if len(given) != 1:
            raise ValueError(f"an action has exactly one of {', '.join(VERBS)}")
        return self


class Story(Strict):
    """One story: a pattern is deployed, clients use it, and something must come of it."""

    id: Identifier = Field(description="Unique in its pattern; `sandbox run <id>` runs it.")
    title: str = Field(min_length=1, description="What happens, in one line.")
    teaches: str = Field(min_length=1, description="What a reader learns from it.")
    template: str = Field("template.yaml", description="CloudFormation or SAM, in the pattern's folder.")
    parameters: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        description="The template's parameters; ${python_runtime}: the one that runs here.",
    )
    as_of: date | None = Field(None, description="The day whose AWS rules are played; default: the run's.")
    quotas: dict[QuotaName, float] = Field(
        default_factory=dict, description="Service quotas raised beforehand: service/code and the value."
    )
    setup: list[ApiCall] = Field(
        default_factory=list, description="AWS calls after the deployment and before the clients."
    )
    model: Pace = Field(ModelSpec(), description="A profile's name, or how the model behaves.")
    anomalies: AnomaliesSpec = Field(AnomaliesSpec(), description="What goes wrong with deliveries.")
    clients: list[ClientSpec] = Field(min_length=1)
    actions: list[Action] = Field(default_factory=list)
    watch: str | None = Field(None, description="The client whose answer is judged; default: the first.")
    at_most: Duration = Field(3600.0, description="The story is over by then, in the sandbox's time.")
    real_tolerance: Duration = Field(0.5, description="On the real clock instants may be off by this much.")
    expect: StoryExpect

    _file: Path = PrivateAttr(default=Path())
    _pattern: str = PrivateAttr(default="")  # read from no file
    _line: int = PrivateAttr(default=1)
    _index: Index | None = PrivateAttr(default=None)

    @property
    def index(self) -> Index | None:
        """Where its fields stand in the file."""
        return self._index

    @property
    def file(self) -> Path:
        """The file that holds it."""
        return self._file

    @property
    def line(self) -> int:
        """The line on which it starts."""
        return self._line

    @property
    def pattern(self) -> str:
        """The pattern that it is about: the name of its folder."""
        return self._pattern

    @property
    def watched(self) -> str:
        """Name of the client whose answer is judged."""
        return self.watch or self.clients[0].name

    def placed(self, file: Path, line: int, index: Index) -> Story:
        """The story, knowing where it was read."""
        self._file, self._line, self._index = file, line, index
        self._pattern = file.resolve().parent.name
        return self

    @model_validator(mode="after")
    def _names_fit(self) -> Story:
        names = [client.name for client in self.clients]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two clients have the same name: {', '.join(twice)}")
        if self.watch is not None and self.watch not in names:
            raise ValueError(f"watch names no client: {self.watch!r} (clients: {', '.join(names)})")
        return self
