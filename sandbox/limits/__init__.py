"""AWS's limits as data, each with its source, its grade and the dates since which its values held."""

from sandbox.limits.errors import (
    AsOfError,
    LimitAbsentError,
    LimitsError,
    LimitsFileError,
    OverrideError,
    UnknownLimitError,
)
from sandbox.limits.limits import Limit, Limits, parse_as_of
from sandbox.limits.rows import Held, Row

__all__ = [
    "AsOfError",
    "Held",
    "Limit",
    "LimitAbsentError",
    "Limits",
    "LimitsError",
    "LimitsFileError",
    "OverrideError",
    "Row",
    "UnknownLimitError",
    "parse_as_of",
]
