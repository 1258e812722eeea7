import json
from pathlib import Path

import jsonschema
import yaml

from sandbox.stories import schema

STORY = """
id: fast
title: t
teaches: t
model: slow
clients: [{url: "${outputs.X}", disconnect_after: 3s}, {kind: openai, name: o}]
expect: {ended_at: {at_least: 29s}, tokens: 3, first_token_at: never, order: [lambda.invoked]}
"""


def test_the_published_schema_is_fresh():
    assert schema.PATH.read_text() == schema.text(), "run python -m sandbox.stories.schema"


def test_the_schema_is_valid_and_takes_what_stories_take():
    built = schema.build()
    jsonschema.Draft202012Validator.check_schema(built)
    validator = jsonschema.Draft202012Validator(built)
    story = yaml.safe_load(STORY)
    assert list(validator.iter_errors(story)) == []
    for broken in ({"titel": 1}, {"expect": {"ended_at": "soon"}}, {"expect": {"tokens": -1}}, {"model": 3}):
        assert list(validator.iter_errors(story | broken)), broken


def test_every_field_tells_what_it_is():
    story = schema.build()
    untold = [
        name
        for part in [story["$defs"]["StoryExpect"], story["$defs"]["HttpClient"]]
        for name, field in part["properties"].items()
        if "description" not in json.dumps(field) and "$ref" not in json.dumps(field)
    ]
    assert set(untold) <= {"kind", "method", "headers", "name", "repeat", "sign"}


def test_story_files_of_this_project_name_the_schema():
    scenarios = Path(__file__).parents[2] / "scenarios"
    for path in scenarios.rglob("*.story.yaml"):
        first = path.read_text().splitlines()[0]
        assert first == "# yaml-language-server: $schema=../../sandbox/stories/schema.json", path
