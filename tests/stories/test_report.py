import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from sandbox.cli_run import list_command, run_command
from sandbox.clock import ClockKind
from sandbox.stories.checks import check
from sandbox.stories.loading import load_stories
from sandbox.stories.model import Story
from sandbox.stories.outcome import outcome
from sandbox.stories.report import excerpt, failure_text, table
from sandbox.stories.results import StoryResult
from tests.stories.synthetic import Script, tokens

FIELDS = [
    "story",
    "pattern",
    "passed",
    "verdict",
    "status",
    "first_token_s",
    "last_token_s",
    "tokens",
    "requests",
    "ended_s",
    "wall_s",
    "failures",
]
ALL = "`ls scenarios` lists the patterns, `grep -rh ^id: scenarios` the stories"
STORY = """\
id: {id}
title: The answer streams
teaches: t
clients: [{{name: browser, url: x}}]
expect:
  status: {status}
"""


@pytest.fixture
def scenarios(tmp_path: Path) -> Path:
    for pattern, ids in (("one", ["good", "bad"]), ("two", ["other"])):
        folder = tmp_path / "scenarios" / pattern
        folder.mkdir(parents=True)
        texts = [STORY.format(id=name, status=504 if name == "bad" else 200) for name in ids]
        (folder / "all.story.yaml").write_text("---\n".join(texts))
        (folder / "template.yaml").write_text("Resources: {}\n")
    return tmp_path / "scenarios"


def player(story: Story, clock: ClockKind, as_of: date | None) -> StoryResult:
    """Every story sees the same stream of ten tokens."""
    made = tokens(10)
    trace = Script().model(made).client(made, ended=1.9).trace()
    return StoryResult(story, trace, outcome(trace, "browser"), tuple(check(story, trace)), 0.0123)


def run(scenarios: Path, *what: str, as_json: bool = False, timeline: bool = False) -> int:
    return run_command(what, scenarios=scenarios, player=player, as_json=as_json, timeline=timeline, jobs=1)


def test_json_has_exactly_the_fields_of_the_contract(scenarios: Path, capsys: pytest.CaptureFixture[str]):
    assert run(scenarios, as_json=True) == 1
    out, err = capsys.readouterr()
    rows = json.loads(out)
    assert err == ""
    assert [row["story"] for row in rows] == ["good", "bad", "other"]
    assert all(list(row) == [*FIELDS, "counts"] for row in rows)
    assert rows[0] == {
        "story": "good",
        "pattern": "one",
        "passed": True,
        "verdict": "streams",
        "status": 200,
        "first_token_s": 1.0,
        "last_token_s": 1.9,
        "tokens": 10,
        "requests": 1,
        "ended_s": 1.9,
        "wall_s": 0.012,
        "failures": [],
        "counts": {
            "client_requests": 1,
            "client_bytes": 59,
            "invocations": 0,
            "billed_ms": 0,
            "model_requests": 1,
            "model_tokens": 10,
        },
    }
    assert rows[1]["failures"] == ["expect.status: expected 504, but it is 200"]


@pytest.mark.parametrize(
    ("what", "found"),
    [
        (["two"], ["other"]),
        (["good"], ["good"]),
        (["one/bad"], ["bad"]),
        (["two", "one"], ["other", "good", "bad"]),
        (["one", "good"], ["good", "bad"]),
    ],
)
def test_stories_are_named_by_pattern_id_or_both(
    scenarios: Path, what: list[str], found: list[str], capsys: pytest.CaptureFixture[str]
):
    run(scenarios, *what, as_json=True)
    assert [row["story"] for row in json.loads(capsys.readouterr().out)] == found


def test_stories_are_named_by_file_and_folder(scenarios: Path, capsys: pytest.CaptureFixture[str]):
    run(scenarios, str(scenarios / "two"), str(scenarios / "one" / "all.story.yaml"), as_json=True)
    assert [row["story"] for row in json.loads(capsys.readouterr().out)] == ["other", "good", "bad"]


def test_exit_codes(scenarios: Path):
    assert run(scenarios, "good") == 0
    assert run(scenarios, "bad") == 1
    assert run(scenarios, "goood") == 2
    (scenarios / "two" / "all.story.yaml").write_text("id: 3\n")
    assert run(scenarios) == 2


def test_an_unknown_name_is_told_with_what_is_near(scenarios: Path, capsys: pytest.CaptureFixture[str]):
    assert run(scenarios, "goood", as_json=True) == 2
    assert capsys.readouterr() == (
        "",
        f"sandbox: 'goood' is no pattern, story or file; did you mean good? {ALL}\n",
    )


def test_a_name_like_no_other_does_not_list_them_all(scenarios: Path, capsys: pytest.CaptureFixture[str]):
    assert run(scenarios, "zzz") == 2
    assert capsys.readouterr().err == f"sandbox: 'zzz' is no pattern, story or file; {ALL}\n"


def test_a_broken_file_is_told_with_its_line(scenarios: Path, capsys: pytest.CaptureFixture[str]):
    (scenarios / "two" / "all.story.yaml").write_text(
        "id: other\ntitle: t\nteaches: t\nclients: []\nexpect: {}\n"
    )
    assert run(scenarios) == 2
    assert "all.story.yaml:4:1: clients: List should have at least 1 item" in capsys.readouterr().err


def test_of_patterns_that_are_named_only_their_files_are_read(
    scenarios: Path, capsys: pytest.CaptureFixture[str]
):
    (scenarios / "two" / "all.story.yaml").write_text("id: 3\n")
    assert run(scenarios, "one/good") == 0
    assert run(scenarios, "one") == 1  # one of its stories is not as expected
    assert run(scenarios, "good") == 2  # may be in any file
    capsys.readouterr()
    assert run(scenarios, "one/goood") == 2
    assert "two/all.story.yaml:1:" in capsys.readouterr().err


def test_a_name_of_a_pattern_and_a_story_that_it_has_not_gets_the_hint_of_all(
    scenarios: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(scenarios, "two/othr") == 2
    assert "did you mean other?" in capsys.readouterr().err


def test_a_missing_template_is_bad_input(scenarios: Path, capsys: pytest.CaptureFixture[str]):
    (scenarios / "one" / "template.yaml").unlink()
    assert run(scenarios, "other") == 0  # of another pattern
    capsys.readouterr()
    assert run(scenarios) == 2
    text = STORY.format(id="third", status=200) + "template: nowhere.yaml\n"
    (scenarios / "two" / "all.story.yaml").write_text(text)
    assert run(scenarios, "third") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert said[0].endswith(f"all.story.yaml:1:1: template: there is no file {scenarios}/one/template.yaml")
    line = len(text.splitlines())
    assert said[2].endswith(f"yaml:{line}:1: template: there is no file {scenarios}/two/nowhere.yaml")


def test_the_table_tells_verdicts_and_failures(scenarios: Path, capsys: pytest.CaptureFixture[str]):
    run(scenarios)
    out = capsys.readouterr().out
    assert "NOT AS EXPECTED" in out
    assert "one/bad: The answer streams" in out
    assert f"{scenarios}/one/all.story.yaml:13" in out
    assert "expect.status: expected 504, but it is 200" in out
    assert "2 of 3 stories as expected; 6 s of the clients' time" in out


def drawn(result: StoryResult, width: int) -> list[str]:
    console = Console(width=width)
    with console.capture() as told:
        console.print(table([result], width))
    return told.get().splitlines()


def test_a_narrow_terminal_shows_less_but_that_whole(scenarios: Path):
    story = load_stories(scenarios / "one" / "all.story.yaml")[0]
    long = story.model_copy(update={"id": "a-story-with-a-long-name", "pattern": "function_url_streaming"})
    narrow = "\n".join(drawn(player(long, "virtual", None), 80))
    for text in (long.id, "streams", "status", "200", "first token", "1.000 s", "ended", "1.900 s"):
        assert text in narrow
    assert "…" not in narrow
    assert "requests" not in narrow
    assert "requests" in "\n".join(drawn(player(long, "virtual", None), 200))


def test_an_answer_that_nobody_asked_for_has_no_word(scenarios: Path):
    made = player(load_stories(scenarios / "one" / "all.story.yaml")[0], "virtual", None)
    without = replace(made, outcome=replace(made.outcome, verdict="arrives whole", tokens=0))
    assert "arrives whole" not in "\n".join(drawn(without, 200))
    some = replace(made, outcome=replace(made.outcome, verdict="arrives whole"))
    assert "arrives whole" in "\n".join(drawn(some, 200))


def test_the_timeline_shows_every_hop(scenarios: Path, capsys: pytest.CaptureFixture[str]):
    run(scenarios, "good", timeline=True)
    out = capsys.readouterr().out
    assert out.count("token_emitted") == 10
    assert "1.900000 s" in out
    assert "used: 1 client_requests, 59 client_bytes" in out


def test_an_excerpt_marks_the_instant_and_cuts_the_rest(scenarios: Path):
    story = load_stories(scenarios / "one" / "all.story.yaml")[1]
    result = player(story, "virtual", None)
    (failure,) = result.failures
    lines = excerpt(result.trace.events, failure)
    assert lines[0] == "  ..."
    assert [line for line in lines if line.startswith(">")][-1].split() == [
        ">",
        "1.900000",
        "s",
        "client",
        "completed",
    ]
    assert "\n".join(f"      {line}" for line in lines) in failure_text(result)


def test_what_is_no_terminal_reads_along(scenarios: Path, capsys: pytest.CaptureFixture[str]):
    seen = []

    def reads(story: Story, clock: ClockKind, as_of: date | None) -> StoryResult:
        seen.append(capsys.readouterr().out)
        return player(story, clock, as_of)

    run_command([], scenarios=scenarios, player=reads, jobs=1)
    assert seen == [
        "",
        "as expected: one/good: streams, 0.01 s\n",
        "NOT AS EXPECTED: one/bad: streams, 0.01 s\n",
    ]


@pytest.mark.parametrize("as_json", [True, False])
def test_an_interrupt_tells_what_had_ended(
    as_json: bool, scenarios: Path, capsys: pytest.CaptureFixture[str]
):
    def interrupted(story: Story, clock: ClockKind, as_of: date | None) -> StoryResult:
        if story.id == "bad":
            raise KeyboardInterrupt
        return player(story, clock, as_of)

    code = run_command([], scenarios=scenarios, player=interrupted, as_json=as_json, jobs=1)
    out, err = capsys.readouterr()
    assert code == 130
    assert err == "sandbox: interrupted; 1 of 3 stories had ended\n"
    if as_json:
        assert [row["story"] for row in json.loads(out)] == ["good"]
    else:
        assert "1 of 1 stories as expected" in out


def test_stories_are_listed_without_being_played(scenarios: Path, capsys: pytest.CaptureFixture[str]):
    assert list_command([], scenarios=scenarios) == 0
    assert capsys.readouterr().out.splitlines() == [
        "one/good   The answer streams",
        "one/bad    The answer streams",
        "two/other  The answer streams",
    ]
    assert list_command(["two"], scenarios=scenarios, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"story": "other", "pattern": "two", "title": "The answer streams"}
    ]
    assert list_command(["nothing"], scenarios=scenarios) == 2
    assert "nothing" in capsys.readouterr().err
