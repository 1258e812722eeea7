from sandbox.stories.arrival import arrival
from sandbox.stories.trace import Trace, once
from tests.stories.synthetic import Script, text, tokens

MADE = tokens(10)


def arrived(script: Script, client: str = "browser"):
    return arrival(script.trace(), client)


def test_each_token_has_the_instant_at_which_its_last_letter_came():
    whole = text(MADE)
    got = arrived(Script().model(MADE).client([(1.0, whole[:7]), (2.0, whole[7:])], ended=2.0))
    assert got is not None
    assert got.instants == (1.0, *[2.0] * 9)


def test_delay_is_the_longest_one():
    late = [(max(at + 0.1, 1.9), word) if n >= 4 else (at + 0.1, word) for n, (at, word) in enumerate(MADE)]
    got = arrived(Script().model(MADE).client(late, ended=late[-1][0]))
    assert got is not None
    assert got.delay == 0.5


def test_a_partly_arrived_token_does_not_count():
    got = arrived(Script().model(MADE).client([(1.0, "word0 wo")], ended=2.0, end="disconnected"))
    assert got is not None
    assert got.count == 1


def test_text_before_the_answer_is_passed_over_also_when_it_begins_alike():
    got = arrived(Script().model(MADE).client([(2.0, "word0? No: " + text(MADE) + " END")], ended=2.0))
    assert got is not None
    assert got.count == 10


def test_an_answer_trimmed_by_the_handler_is_whole():
    made = [(1.0, " word0"), (1.1, " word1"), (1.2, "\n")]
    got = arrived(Script().model(made).client([(1.2, "word0 word1")], ended=1.2))
    assert got is not None
    assert got.count == 3


def test_other_words_are_no_tokens():
    got = arrived(
        Script().model(MADE).client([(1.0, '{"message": "Endpoint request timed out"}')], ended=2.0)
    )
    assert got is not None
    assert got.count == 0


def test_a_model_asked_before_the_client_came_is_not_its_model():
    assert arrived(Script().model(MADE).client([], sent=5.0, ended=6.0)) is None


def test_of_two_equal_answers_the_later_one_explains_a_retry():
    script = Script().model(MADE, asked=0.0).model([(at + 10, word) for at, word in MADE], asked=10.0)
    got = arrived(script.client([(at + 10, word) for at, word in MADE], ended=12.0))
    assert got is not None
    assert got.answer.asked_at == 10.0
    assert got.delay == 0.0


def test_no_token_comes_before_it_was_made():
    script = Script().model([(at + 10, word) for at, word in MADE], asked=10.0).model(MADE, asked=0.0)
    got = arrived(script.client([(at + 0.5, word) for at, word in MADE], ended=3.0))
    assert got is not None
    assert got.delay == 0.5


def test_a_token_of_white_space_has_its_own_instant():
    made = [(1.0, "a"), (1.1, "\n\n"), (1.2, "b"), (1.3, "\n")]
    got = arrived(Script().model(made).client(made, ended=1.3))
    assert got is not None
    assert got.instants == (1.0, 1.1, 1.2, 1.2)


def test_a_second_try_is_judged_by_the_answer_that_it_asked_for():
    script = Script().model(MADE, asked=0.0, done=40.0).model([(30.0, "x")], asked=29.0, done=69.0)
    for number, sent in ((1, 0.0), (2, 29.0)):
        script.client([(sent + 29, "{}")], status=504, sent=sent, ended=sent + 29, name=f"browser:{number}")
    got = arrived(script)
    assert got is not None
    assert got.answer.asked_at == 29.0


def test_what_is_found_out_about_a_client_is_kept_with_the_trace():
    asked = []

    @once
    def find(trace, client):
        asked.append(client)

    trace, other = Trace([]), Trace([])
    for _ in range(2):
        find(trace, "a")
        find(trace, "b")
    assert asked == ["a", "b"]
    find(other, "a")
    assert asked == ["a", "b", "a"]
