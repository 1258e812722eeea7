"""Reading the limits: one ``limits.toml`` in each service's folder, played as of a date."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

SERVICES = Path(__file__).parent.parent / "services"


@dataclass(frozen=True, slots=True)
class Limit:
    """One row: ``value`` is what held on the chosen day."""

    name: str  # "lambda.timeout.max"
    fact: str  # id in the facts: "4.1"
    value: Any
    unit: str
    grade: str
    source: str


class Limits:
    """The limits that held on a day."""

    def __init__(self, as_of: date) -> None:
        self.as_of = as_of
        self._rows: dict[str, Limit] = {}
        for path in sorted(SERVICES.glob("*/limits.toml")):
            for row in tomllib.loads(path.read_text())["limit"]:
                self._rows[row["name"]] = Limit(
                    row["name"], row["fact"], row["value"], row["unit"], row["grade"], row["source"]
                )

    def __getitem__(self, name: str) -> Limit:
        return self._rows[name]

    def value(self, name: str) -> Any:
        """The value of a limit by its name; ``KeyError`` for an unknown one."""
        return self._rows[name].value
