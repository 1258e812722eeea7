"""What can go wrong with an answer, by name. A fault is one small file whose class registers itself.

A fault is asked for by text: ``KIND`` or ``KIND:key=value,key=value`` (header ``x-mock-llm-fault``, or ``fault`` of
the configuration), several with a semicolon between: the first whose draw falls happens. Every kind knows
``probability`` (of a seeded draw for each answer; default 1).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, TypeVar

from mock_llm.profiles import MAX_SECONDS, MAX_TOKENS, ProfileError
from mock_llm.stream import DroppedError, Frame, ResetError
from mock_llm.wire import RefusedError


class Dialect(Protocol):
    """How an API's stream says that something is wrong."""

    def error(self, refusal: RefusedError) -> bytes:
        """A frame that carries an error, in the place of the one that was due."""
        ...

    def broken(self, frame: bytes) -> bytes:
        """The frame, damaged so that a client can tell."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault with its values. ``after``: tokens that leave as they should before it.

    ``ends``: whether a whole answer is not what it should be by it.
    """

    kind: ClassVar[str] = ""
    ends: ClassVar[bool] = True
    after: int = 0
    probability: float = 1.0

    def before(self) -> RefusedError | None:
        """An error instead of an answer."""
        return None

    def stream(self, frames: Iterator[Frame], dialect: Dialect) -> Iterator[Frame]:
        """The stream with the fault in it; :class:`DroppedError` where the connection is to be closed."""
        return frames

    def delay(self) -> int:
        """Microseconds by which a whole answer is late, or ``FOREVER``."""
        return 0

    def whole(self, body: bytes) -> bytes:
        """The whole answer with the fault in it. Raises :class:`DroppedError`, ``RefusedError``."""
        return body


F = TypeVar("F", bound=type[Fault])
KINDS: dict[str, type[Fault]] = {}
TYPES: dict[str, type[int] | type[float] | type[str]] = {"probability": float, "seconds": float, "code": str}
LIMITS = {"probability": 1, "status": 599, "seconds": MAX_SECONDS}
FILES = ("cut", "drop", "error", "malformed", "reset", "slow_headers", "stall")


def register(kind: str) -> Callable[[F], F]:
    """Make a fault known by a name."""

    def add(fault: F) -> F:
        fault.kind = kind
        KINDS[kind] = fault
        return fault

    return add


def read(text: Any) -> tuple[Fault, ...]:
    """Faults from their text; ``none`` and an empty text are no fault. Raises ``ProfileError``."""
    if not isinstance(text, str):
        raise ProfileError(f"fault must be a text, not {text!r}")
    parts = (part.strip() for part in text.split(";"))
    return tuple(_one(part) for part in parts if part not in ("", "none"))


def _one(text: str) -> Fault:
    kind, _, rest = text.partition(":")
    load()
    if kind not in KINDS:
        raise ProfileError(f"unknown fault {kind!r}; there are: none, {', '.join(sorted(KINDS))}")
    known = {field.name: TYPES.get(field.name, int) for field in fields(KINDS[kind])}
    values: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in known:
            raise ProfileError(f"fault {kind} has no key {key!r}; there are: {', '.join(known)}")
        try:
            values[key] = known[key](value)
        except ValueError:
            raise ProfileError(f"fault {kind}: {key} must be a number, not {value!r}") from None
        if known[key] is str:
            if not re.fullmatch(r"\w{1,64}", values[key]):
                raise ProfileError(f"fault {kind}: {key} must be a name, not {value!r}")
        elif not 0 <= values[key] <= LIMITS.get(key, MAX_TOKENS):
            raise ProfileError(
                f"fault {kind}: {key} must be from 0 to {LIMITS.get(key, MAX_TOKENS)}, not {value}"
            )
    return KINDS[kind](**values)


def load() -> None:
    """Import the files of this folder, so that their faults are known."""
    for name in FILES:
        importlib.import_module(f"{__name__}.{name}")


def split(frames: Iterator[Frame], after: int) -> Iterator[tuple[bool, Frame]]:
    """Frames, each with whether ``after`` tokens have left before it and it is a token or later than the last one."""
    count = 0
    for frame in frames:
        reached = count >= after and (frame.text is not None or count > 0)
        yield reached, frame
        count += frame.text is not None


__all__ = ["KINDS", "Dialect", "DroppedError", "Fault", "ResetError", "load", "read", "register", "split"]
