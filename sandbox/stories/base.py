"""What every part of a story shares: no unknown field, no silent conversion, never changed after reading."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A part of a story. A field nobody knows is an error, and so is text where a number belongs."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)
