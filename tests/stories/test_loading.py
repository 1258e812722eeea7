from pathlib import Path

import pytest

from sandbox.stories.loading import StoryError, load_all, load_stories

GOOD = """\
id: fast
title: A fast answer
teaches: That it works
model: {profile: fast, tokens: 10}
clients:
  - name: browser
    url: ${outputs.Endpoint}
expect:
  status: 200
  ended_at: 29s
"""


def write(folder: Path, text: str, name: str = "a.story.yaml") -> Path:
    path = folder / "pattern_x" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(StoryError) as caught:
        load_stories(path)
    return [str(one).removeprefix(str(path)) for one in caught.value.problems]


def test_a_story_knows_its_pattern_and_place(tmp_path: Path):
    path = write(tmp_path, "# comment\n" + GOOD + "---\n" + GOOD.replace("fast\ntitle", "slow\ntitle"))
    first, second = load_stories(path)
    assert (first.id, first.pattern, first.line, first.watched) == ("fast", "pattern_x", 2, "browser")
    assert (second.id, second.line) == ("slow", 13)
    assert first.index is not None
    assert first.index.line(["expect", "ended_at"]) == 11


def test_a_file_in_the_working_directory_has_a_pattern_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write(tmp_path, GOOD)
    monkeypatch.chdir(path.parent)
    assert load_stories(Path(path.name))[0].pattern == "pattern_x"


def test_everything_wrong_is_told_at_once_with_line_column_and_field(tmp_path: Path):
    text = (
        GOOD.replace("status: 200", "statuss: 200")
        .replace("29s", "soon")
        .replace("title: A fast answer\n", "")
    )
    assert sorted(problems(write(tmp_path, text))) == [
        ":1:1: title: is missing",
        ":8:3: expect.statuss: is not a field of a story here; did you mean 'status'?",
        ":9:3: expect.ended_at: 'soon' is not a duration; write 29s, 100ms, 1m30s or a number of seconds",
    ]


def test_what_is_no_yaml_is_told_with_its_place(tmp_path: Path):
    assert problems(write(tmp_path, "id: [\n"))[0].startswith(":2:1: not YAML: ")


@pytest.mark.parametrize("text", ["id: x\na: &a [*a]\n", "\n\nid: " + "[" * 2000 + "]" * 2000 + "\n"])
def test_what_has_no_end_is_told(tmp_path: Path, text: str):
    assert "nested too deep" in problems(write(tmp_path, text))[0]


def test_a_key_given_twice_is_told(tmp_path: Path):
    assert problems(write(tmp_path, GOOD + "  status: 504\n")) == [":11:3: expect.status: is given twice"]


def test_the_same_id_twice_is_told(tmp_path: Path):
    told = problems(write(tmp_path, GOOD + "---\n" + GOOD))
    assert told == [":12:1: id: 'fast' is the id of the story on line 1, too"]


def test_the_same_id_in_two_files_is_told(tmp_path: Path):
    paths = [write(tmp_path, GOOD), write(tmp_path, GOOD, "b.story.yaml")]
    with pytest.raises(
        StoryError, match=r"b\.story\.yaml:1:1: id: 'fast' is the id of a story in .*a\.story"
    ):
        load_all(paths)


def test_an_empty_file_and_a_list_are_told(tmp_path: Path):
    assert problems(write(tmp_path, "# nothing\n")) == [":1:1: the file holds no story"]
    assert problems(write(tmp_path, "- a\n"))[0].startswith(":1:1: a story is a mapping")


def test_a_missing_file_is_told(tmp_path: Path):
    assert "cannot be read" in problems(tmp_path / "none.story.yaml")[0]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("tokens: 10", "tokens: 0", ":4:1: model: tokens must be a whole number from 1 to 1000000, not 0"),
        ("profile: fast", "profile: fst", ":4:1: model: unknown profile 'fst'; there are: instant, fast"),
        ("status: 200", 'status: "200"', ":9:3: expect.status: Input should be a valid integer"),
        (
            "    url:",
            "    kind: smoke\n    url:",
            ":6:5: clients[0]: unknown kind of client 'smoke'; there is 'http'",
        ),
        (
            "    url:",
            "    timout: 3\n    url:",
            ":7:5: clients[0].timout: is not a field of a story here; did you",
        ),
        ("    url:", "    json: 1\n    body: x\n    url:", ":6:5: clients[0]: give json or body, not both"),
        ("clients:", "watch: nobody\nclients:", ":1:1: watch names no client: 'nobody' (clients: browser)"),
        ("clients:", "actions: [{at: 1s}]\nclients:", ":5:11: actions[0]: an action has exactly one of"),
        (
            "status: 200",
            "body: {}",
            ":9:3: expect.body: Input should be a valid string or: give at least one of",
        ),
        (
            "status: 200",
            "body: {matches: '('}",
            ":9:10: expect.body.matches: '(' is not a regular expression",
        ),
        ("id: fast", "id: Fast One", ":1:1: id: String should match pattern"),
    ],
)
def test_a_fault_is_told_where_it_is(tmp_path: Path, old: str, new: str, told: str):
    assert old in GOOD
    assert any(one.startswith(told) for one in problems(write(tmp_path, GOOD.replace(old, new, 1))))


def test_a_model_can_be_named_alone(tmp_path: Path):
    story = load_stories(write(tmp_path, GOOD.replace("{profile: fast, tokens: 10}", "slow")))[0]
    assert story.model.values() == {"profile": "slow"}


MODEL_WORDS = (
    """{headers: 500ms, load: 0.02, thinking: 9, quota: "requests=2", """
    """rules: [{replay: seen.jsonl, speed: 2.0}]}"""
)
RECORDING = """\
{"recording": 1, "api": "openai.chat", "status": 200, "headers": {"content-type": "text/event-stream"}}
{"at": 0.5, "data": "data: [DONE]\\n\\n"}
"""


def test_a_model_takes_all_words_of_the_mock_model_with_files_beside_the_story(tmp_path: Path):
    path = write(tmp_path, GOOD.replace("{profile: fast, tokens: 10}", MODEL_WORDS))
    (path.parent / "seen.jsonl").write_text(RECORDING)
    recording = {"replay": str(path.parent / "seen.jsonl"), "speed": 2.0}
    told = {"headers": 0.5, "load": 0.02, "thinking": 9, "quota": "requests=2", "rules": [recording]}
    assert load_stories(path)[0].model.values() == told
    told["rules"] = str(path.parent / "said.yaml")
    Path(told["rules"]).write_text("rules:\n- answer: Hello\n")
    path = write(tmp_path, GOOD.replace("{profile: fast, tokens: 10}", "{rules: said.yaml}"))
    assert load_stories(path)[0].model.values() == {"rules": told["rules"]}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("{rules: none.yaml}", ":4:1: model: {folder}/none.yaml: "),
        ("{rules: [{replay: none.jsonl}]}", ":4:1: model: {folder}/none.jsonl: "),
        ("{rules: [{answr: x}]}", ":4:1: model: rules.0: answr: Extra inputs are not permitted"),
        ('{quota: "tokens=0"}', ":4:1: model: quota must be requests=N, tokens=N or both"),
        ("{load: -1.0}", ":4:1: model: load must be a number from 0 to 1000"),
    ],
)
def test_what_the_model_cannot_take_is_told(tmp_path: Path, words: str, told: str):
    path = write(tmp_path, GOOD.replace("{profile: fast, tokens: 10}", words))
    found = problems(path)
    assert found[0].startswith(told.format(folder=path.parent)), found
