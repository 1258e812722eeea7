"""What LocalStack alone makes of a slow model, and what the sandbox does: the reason why its data planes are ours."""

from __future__ import annotations

import pytest

from tests.localstack.contrast import __main__ as contrast


@pytest.mark.timeout(180)
def test_localstack_answers_whole_after_40_s_where_aws_gives_up_or_streams(
    localstack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = contrast.rows(localstack)
    with capsys.disabled():
        print(f"\n{contrast.table(pairs)}")
    assert all(ours.passed for _, ours in pairs)
    alone = {result.story.id: result for result, _ in pairs}
    slow, streamed = alone["contrast-slow"].row(), alone["contrast-stream"].row()
    assert (slow["status"], slow["verdict"]) == (200, "arrives whole")
    assert slow["ended_s"] > 40
    assert (streamed["status"], streamed["verdict"]) == (200, "arrives whole")
    assert streamed["first_token_s"] > 40
