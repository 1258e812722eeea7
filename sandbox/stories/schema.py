"""The JSON Schema of a story, for editors: ``python -m sandbox.stories.schema`` writes ``schema.json``.

A story file names it on its first line:
``# yaml-language-server: $schema=../../sandbox/stories/schema.json``.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.stories.model import Story

PATH = Path(__file__).with_name("schema.json")


def build() -> dict[str, Any]:
    """The schema, as JSON Schema 2020-12."""
    schema = Story.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Story"}


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(build(), indent=2) + "\n"


@cache
def field_names() -> frozenset[str]:
    """Every field name that stories know anywhere."""
    schema = build()
    parts = [schema, *schema["$defs"].values()]
    return frozenset(name for part in parts for name in part.get("properties", {}))


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"wrote {PATH}\n")
