"""What the mock model was told: settings for its lifetime, overrides for a while, headers for one request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_llm import faults
from mock_llm.faults import Fault
from mock_llm.pace import Profile
from mock_llm.profiles import PACE_KEYS, ProfileError, apply, built_in_profiles, whole
from mock_llm.quota import Quota, read_quota

if TYPE_CHECKING:
    from mock_llm.rules import Rule, RuleBook

HEADER = "x-mock-llm-"
MODEL = "mock-"
TOLD = ("profile", "models", "seed", "fault", "quota", "rules")
MAX_SEED = 2**63 - 1
EPOCH = 1_735_689_600.0  # 2025-01-01 UTC


def _loop_epoch() -> float:
    """A date that follows the event loop's clock alone, for whoever gives no other."""
    return EPOCH + asyncio.get_running_loop().time()


class UnknownModelError(Exception):
    """The name of a model that would stand for a profile that does not exist."""

    def __init__(self, model: str) -> None:
        super().__init__(f"no such model: {model}")
        self.model = model


@dataclass(frozen=True, slots=True)
class Settings:
    """Chosen when the mock model is made.

    ``epoch`` gives seconds since 1970 for the ``created`` of answers. ``require_key``: refuse requests
    without a key (any key will do). ``max_body``: bytes; longer requests are refused with 413. ``rules``: scripted
    answers (``mock_llm.rules.load_rules``); ``quota``: what each model takes in a minute.
    """

    profile: str = "typical"
    seed: int = 0
    require_key: bool = False
    max_body: int = 32 * 1024 * 1024
    epoch: Callable[[], float] = _loop_epoch
    profiles: Mapping[str, Profile] = field(default_factory=built_in_profiles)
    rules: RuleBook | None = None
    quota: Quota | None = None

    def __post_init__(self) -> None:
        self.named(self.profile)
        for rule in self.rules.rules if self.rules else ():
            _check_rule(self, rule)

    def named(self, name: str) -> Profile:
        """The profile of that name. Raises :class:`ProfileError` listing those that exist."""
        if isinstance(name, str) and name in self.profiles:
            return self.profiles[name]
        raise ProfileError(f"unknown profile {name!r}; there are: {', '.join(self.profiles)}")


@dataclass(frozen=True, slots=True)
class Overrides:
    """Told for all requests, by a story or a test, until told otherwise.

    ``models`` gives single models their profile, ``profile`` is for all others; ``pace`` replaces keys of whichever
    profile that leads to. ``rules`` and ``quota`` replace those of the settings.
    """

    profile: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    pace: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    fault: str | None = None
    quota: Quota | None = None
    rules: RuleBook | None = None

    @classmethod
    def read(cls, values: Mapping[str, Any], settings: Settings) -> Overrides:
        """Overrides from plain data. Raises :class:`ProfileError` naming what cannot be."""
        pace = {key: value for key, value in values.items() if key in PACE_KEYS}
        unknown = [key for key in values if key not in (*PACE_KEYS, *TOLD)]
        if unknown:
            known = ", ".join((*TOLD, *PACE_KEYS))
            raise ProfileError(f"unknown key {unknown[0]!r}; there are: {known}")
        models = values.get("models") or {}
        if not isinstance(models, Mapping):
            raise ProfileError("models must map names of models to names of profiles")
        profile = values.get("profile")
        for name in (*([] if profile is None else [profile]), *models.values()):
            apply(settings.named(name), pace)
        apply(settings.named(settings.profile), pace)
        fault = values.get("fault")
        if fault is not None:
            faults.read(fault)
        seed, quota, rules = (
            _seed(values.get("seed")),
            read_quota(values.get("quota")),
            _rules(values.get("rules")),
        )
        for rule in rules.rules if rules else ():
            _check_rule(settings, rule)
        return cls(profile, dict(models), pace, seed, fault, quota, rules)

    def data(self) -> dict[str, Any]:
        """As plain data, the shape that :meth:`read` takes."""
        rest = {
            "profile": self.profile,
            "models": dict(self.models) or None,
            "seed": self.seed,
            "fault": self.fault,
            "quota": self.quota and self.quota.text(),
            "rules": self.rules and self.rules.data(),
        }
        return {key: value for key, value in rest.items() if value is not None} | dict(self.pace)


@dataclass(frozen=True, slots=True)
class Choice:
    """The pace and the seed of one request, and what is to go wrong with it."""

    profile: Profile
    seed: int
    faults: tuple[Fault, ...] = ()


def choose(
    settings: Settings, overrides: Overrides, headers: Mapping[str, str], model: str, rule: Rule | None = None
) -> Choice:
    """The pace of a request: its headers, then its rule, then the overrides, then its model's name, then the default.

    Raises :class:`ProfileError` for a header that cannot be, ``UnknownModelError``.
    """
    own = {key[len(HEADER) :].replace("-", "_"): headers[key] for key in headers if key.startswith(HEADER)}
    unknown = [key for key in own if key not in (*PACE_KEYS, "profile", "seed", "fault")]
    if unknown:
        raise ProfileError(f"unknown header {HEADER}{unknown[0].replace('_', '-')}")
    scripted: Mapping[str, Any] = {} if rule is None else rule.pace
    named = own.get("profile") or scripted.get("profile")
    by_model = overrides.models.get(model)
    base = settings.named(named or by_model or overrides.profile or profile_of(settings, model))
    if named is None and overrides.pace:
        base = apply(base, overrides.pace)
    pace = {key: value for told in (scripted, own) for key, value in told.items() if key in PACE_KEYS}
    seed = _seed(own.get("seed"))
    if seed is None:
        seed = settings.seed if overrides.seed is None else overrides.seed
    fault = own.get("fault", (rule and rule.fault) or overrides.fault or "")
    return Choice(_applied(base, tuple(pace.items())) if pace else base, seed, faults.read(fault))


@lru_cache(maxsize=512)
def _applied(profile: Profile, pace: tuple[tuple[str, Any], ...]) -> Profile:
    """The profile with keys replaced. Clients that give a pace give the same one again and again."""
    return apply(profile, dict(pace))


def profile_of(settings: Settings, model: str) -> str:
    """The profile that a model's name stands for. Raises ``UnknownModelError`` for ``mock-<none>``."""
    if not model.startswith(MODEL):
        return settings.profile
    name = model[len(MODEL) :]
    if name not in settings.profiles:
        raise UnknownModelError(model)
    return name


def _rules(value: Any) -> RuleBook | None:
    """Rules from data, or from the file of that path."""
    if value is None:
        return None
    from mock_llm.rules import load_rules, read_rules  # pydantic: 0.1 s that only who scripts pays

    return load_rules(Path(value)) if isinstance(value, str) else read_rules(value)


def _check_rule(settings: Settings, rule: Rule) -> None:
    if "profile" in rule.pace:
        settings.named(str(rule.pace["profile"]))


def _seed(value: Any) -> int | None:
    if value is None:
        return None
    try:
        return whole(-MAX_SEED, MAX_SEED)(value)
    except ProfileError as error:
        raise ProfileError(f"seed {error}, not {value!r}") from None
