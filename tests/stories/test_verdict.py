from sandbox.stories.verdict import judge
from tests.stories.synthetic import Script, text, tokens

MADE = tokens(20)
DONE = MADE[-1][0]
ANSWER = text(MADE)


def verdict(script: Script) -> str:
    return judge(script.trace(), "browser")


def test_tokens_that_come_as_they_are_made_stream():
    assert verdict(Script().model(MADE).client(MADE, ended=DONE)) == "streams"


def test_tokens_that_come_late_but_one_by_one_stream():
    late = [(at + 0.35, word) for at, word in MADE]
    assert verdict(Script().model(MADE).client(late, ended=late[-1][0])) == "streams"


def test_everything_at_the_end_arrives_whole():
    assert verdict(Script().model(MADE).client([(DONE, ANSWER)], ended=DONE)) == "arrives whole"


def test_everything_at_the_end_in_two_reads_arrives_whole():
    pieces = [(DONE, ANSWER[:30]), (DONE + 0.01, ANSWER[30:])]
    assert verdict(Script().model(MADE).client(pieces, ended=DONE + 0.01)) == "arrives whole"


def test_one_early_token_and_the_rest_at_the_end_arrives_whole():
    pieces = [MADE[0], (DONE, ANSWER[len(MADE[0][1]) :])]
    assert verdict(Script().model(MADE).client(pieces, ended=DONE)) == "arrives whole"


def test_lumps_of_five_stream():
    lumps = [(MADE[n + 4][0], text(MADE[n : n + 5])) for n in range(0, 20, 5)]
    assert verdict(Script().model(MADE).client(lumps, ended=DONE)) == "streams"


def test_an_answer_of_one_token_arrives_whole():
    made = tokens(1)
    assert verdict(Script().model(made).client(made, ended=1.0)) == "arrives whole"


def test_tokens_made_in_one_instant_arrive_whole():
    made = tokens(20, gap=0.0)
    assert verdict(Script().model(made).client(made, ended=1.0)) == "arrives whole"


def test_two_tokens_stream():
    made = tokens(2)
    assert verdict(Script().model(made).client(made, ended=1.1)) == "streams"


def test_a_gateway_timeout_is_cut_off_although_the_model_goes_on():
    script = Script().model(MADE, done=40.0).client([(29.0, '{"message": "x"}')], status=504, ended=29.0)
    late = Script().model(tokens(20, first=30.0)).client([(29.0, "{}")], status=504, ended=29.0)
    assert verdict(late) == "cut off"
    assert verdict(script) == "cut off"


def test_a_truncated_stream_is_cut_off():
    script = Script().model(MADE).client(MADE[:10], ended=2.0, end="failed", kind="truncated", error="x")
    assert verdict(script) == "cut off"


def test_a_stream_without_its_last_tokens_is_cut_off_even_if_it_ends_well():
    assert verdict(Script().model(MADE).client(MADE[:19], ended=DONE)) == "cut off"


def test_all_tokens_on_a_broken_connection_are_cut_off():
    script = Script().model(MADE).client(MADE, ended=DONE, end="failed", kind="truncated", error="x")
    assert verdict(script) == "cut off"


def test_a_client_that_leaves_is_cut_off():
    assert verdict(Script().model(MADE).client(MADE[:5], ended=1.45, end="disconnected")) == "cut off"


def test_a_model_that_stalls_for_ever_is_cut_off():
    script = Script().model(MADE[:5], done=None)
    script.client(MADE[:5], ended=29.0, end="failed", kind="truncated", error="x")
    assert verdict(script) == "cut off"


def test_an_answer_made_in_time_of_which_nothing_came_is_lost():
    assert (
        verdict(Script().model(MADE).client([(DONE, "Internal Server Error")], status=502, ended=DONE))
        == "lost"
    )


def test_an_empty_200_after_the_model_was_done_is_lost():
    assert verdict(Script().model(MADE).client([], ended=DONE + 1)) == "lost"


def test_a_function_that_fails_before_the_model_is_done_is_cut_off():
    script = Script().model(MADE, done=None).client([(1.5, "Internal Server Error")], status=502, ended=1.5)
    assert verdict(script) == "cut off"


def test_an_error_without_invocation_is_refused():
    for status in (403, 413, 429, 500, 503):
        assert verdict(Script().client([(0.0, "no")], status=status, ended=0.0)) == "refused"


def test_a_closed_port_is_refused():
    script = Script().client([], status=None, ended=0.0, end="failed", kind="connection refused", error="x")
    assert verdict(script) == "refused"


def test_a_function_that_says_401_before_it_asks_the_model_refuses():
    script = Script().at(0.0, "lambda.invoked", "i", function="chat", cold=True)
    assert verdict(script.client([(0.1, "no")], status=401, ended=0.1)) == "refused"


def test_a_function_that_crashes_before_it_asks_the_model_cuts_off():
    script = Script().at(0.0, "lambda.invoked", "i", function="chat", cold=True)
    assert verdict(script.client([(0.1, "no")], status=502, ended=0.1)) == "cut off"


def test_without_a_model_the_body_is_judged():
    assert verdict(Script().client([(0.0, "a"), (1.0, "b")], ended=1.0)) == "streams"
    assert verdict(Script().client([(1.0, "a"), (1.0, "b")], ended=1.0)) == "arrives whole"


def test_a_client_that_sent_nothing_was_refused():
    assert verdict(Script().model(MADE)) == "refused"


def test_polls_that_repeat_what_came_before_stream():
    script = Script().model(MADE)
    for n in range(1, 21):
        at = round(1.0 + n * 0.1, 6)
        script.client([(at, text(MADE[:n]))], sent=at, ended=at, name=f"browser:{n}")
    assert verdict(script) == "streams"


def whole_answer(done: float = 40.0) -> Script:
    script = Script().at(0.0, "model.request_received", "m", api="openai", profile="p", prompt_sha="s")
    return script.at(done, "model.completed", "m", tokens=391)


def test_an_answer_that_the_model_made_whole_arrives_whole():
    body = [(40.0, '{"answer": "all of it"}')]
    assert (
        verdict(whole_answer().client(body, ended=40.0, content_type="application/json")) == "arrives whole"
    )


def test_an_answer_that_the_model_made_whole_can_be_lost_or_cut_off():
    assert verdict(whole_answer().client([(41.0, "Internal Server Error")], status=502, ended=41.0)) == "lost"
    assert verdict(whole_answer().client([(29.0, "{}")], status=504, ended=29.0)) == "cut off"
    assert verdict(whole_answer().client([], ended=41.0)) == "lost"
