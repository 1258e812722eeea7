"""Errors of the limits.

::

    LimitsError
    ├── LimitsFileError     a limits.toml is not as it must be (a fault of the sandbox or of a changed file)
    ├── UnknownLimitError   no row has this name (also a KeyError)
    ├── LimitAbsentError    the thing did not exist yet on the chosen day
    ├── OverrideError       a limit cannot be set to what the user wants
    └── AsOfError           a text is no date
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class LimitsError(Exception):
    """Any error of the limits."""


class LimitsFileError(LimitsError):
    """A file of limits has a row that is not valid. ``where`` is ``file:line``."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class UnknownLimitError(LimitsError, KeyError):
    """No row has this name; ``near`` are names that look like it."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.near = get_close_matches(name, list(known), n=3, cutoff=0.6)
        hint = f"; did you mean {' or '.join(self.near)}?" if self.near else ""
        super().__init__(f"there is no limit {name!r}{hint}")

    def __str__(self) -> str:  # KeyError would print the repr
        return str(self.args[0])


class LimitAbsentError(LimitsError):
    """The thing that the row speaks of did not exist yet on the chosen day."""


class OverrideError(LimitsError):
    """A limit cannot be set to this value: it is fixed, or the value is out of its range."""


class AsOfError(LimitsError):
    """A text is not a date in the form ``YYYY-MM-DD``."""
