import json

from sandbox.stories.answer import words


def sse(*events: str) -> str:
    return "".join(f"data: {event}\n\n" for event in events)


def chunk(content: str | None) -> str:
    return json.dumps({"object": "chat.completion.chunk", "choices": [{"delta": {"content": content}}]})


def test_plain_text_is_the_answer_itself():
    assert words("text/plain", [(1.0, "a "), (2.0, "b")]) == [(1.0, "a "), (2.0, "b")]


def test_openai_events_give_their_deltas_at_the_instant_at_which_each_was_whole():
    first, second = sse(chunk(None), chunk("Hel")), sse(chunk("lo"), "[DONE]")
    pieces = [(1.0, first), (2.0, second[:20]), (3.0, second[20:])]
    assert [one for one in words("text/event-stream", pieces) if one[1]] == [(1.0, "Hel"), (3.0, "lo")]


def test_events_are_read_whatever_content_type_they_are_sent_with():
    assert words("application/octet-stream", [(1.0, sse('{"token": "x"}'))]) == [(1.0, "x")]


def test_events_of_several_lines_carriage_returns_and_comments_are_read():
    body = ": hello\r\nevent: token\r\ndata: a\r\ndata: b\r\n\r\n: beat\r\n\r\n"
    assert words("text/event-stream", [(1.0, body)]) == [(1.0, "a\nb")]


def test_anthropic_events_give_their_text():
    event = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}'
    assert words("text/event-stream", [(1.0, sse('{"type":"message_start"}', event))]) == [
        (1.0, ""),
        (1.0, "Hi"),
    ]


def test_a_json_body_says_nothing_before_it_is_whole():
    body = json.dumps({"answer": 'say "hi"'})
    assert words("application/json; charset=utf-8", [(1.0, body[:5]), (2.0, body[5:])]) == [(2.0, 'say "hi"')]


def test_a_truncated_json_body_is_read_as_text():
    assert words("application/json", [(1.0, '{"answer": "h')]) == [(1.0, '{"answer": "h')]


def test_json_lines_are_read_line_by_line():
    body = [(1.0, '{"text":"a"}\n{"te'), (2.0, 'xt":"b"}')]
    assert words("application/x-ndjson", body) == [(1.0, "a"), (2.0, "b")]


def test_a_whole_completion_gives_its_message():
    body = json.dumps({"choices": [{"message": {"role": "assistant", "content": "Hi"}}]})
    assert words("application/json", [(1.0, body)]) == [(1.0, "Hi")]
