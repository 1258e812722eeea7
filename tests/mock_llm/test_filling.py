"""Values fit the schema that they are drawn for."""

from __future__ import annotations

import random
import re
from typing import Any

import jsonschema
import pytest

from mock_llm.filling import FORMATS, fill
from mock_llm.patterns import matching

TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["name", "left", "children"],
            "additionalProperties": False,
        }
    },
}
SCHEMAS: list[dict[str, Any]] = [
    TREE,
    {"type": "integer", "minimum": 3, "maximum": 5},
    {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    {"type": "integer", "multipleOf": 7},
    {"type": "number", "minimum": -2, "maximum": -1},
    {"type": "number", "multipleOf": 0.25},
    {"type": "string", "minLength": 40, "maxLength": 50},
    {"type": "string", "pattern": "^[A-Z]{2}-\\d{3,5}(a|bc)?$"},
    {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 3, "maxItems": 3},
    {"type": ["null", "string"]},
    {"const": {"a": 1}},
    {"oneOf": [{"type": "boolean"}, {"type": "integer"}]},
    {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"type": "object", "properties": {"b": {"type": "null"}}, "required": ["b"]},
        ]
    },
]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("seed", range(20))
def test_a_value_fits_its_schema(schema: dict[str, Any], seed: int) -> None:
    value = fill(schema, random.Random(seed))
    jsonschema.validate(value, schema)
    assert fill(schema, random.Random(seed)) == value


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("seed", range(10))
def test_a_text_has_its_format(name: str, seed: int) -> None:
    schema = {"type": "string", "format": name}
    value = fill(schema, random.Random(seed))
    jsonschema.validate(value, schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    assert isinstance(value, str)


@pytest.mark.parametrize(
    "pattern",
    ["^a+$", "(x|y){2,}z*", "[^a-z]", r"\w\W\s\S\d\D", ".", r"(ab)\1", "[a-f0-9]{8}-[a-f0-9]{4}", ""],
)
@pytest.mark.parametrize("seed", range(10))
def test_a_text_matches_its_pattern(pattern: str, seed: int) -> None:
    said = matching(pattern, random.Random(seed))
    assert said is not None
    assert re.search(pattern, said)


@pytest.mark.parametrize("pattern", ["(", "(?<=never)x"])
def test_what_cannot_be_matched_is_told(pattern: str) -> None:
    assert matching(pattern, random.Random(0)) is None
