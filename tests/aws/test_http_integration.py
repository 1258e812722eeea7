"""The prelude of a streamed HTTP answer, cut anywhere."""

from __future__ import annotations

import pytest

from sandbox.aws.http_integration import PreludeError, PreludeReader, parse, status_of

WHOLE = (
    b'{"statusCode":201,"headers":{"Content-Type":"text/plain","X-N":3},"cookies":["a=1","b=2"]}'
    + bytes(8)
    + b"\0payload"
)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 8, 9, 50, 1000])
def test_prelude_is_found_however_it_is_cut(piece: int) -> None:
    reader, found, rest = PreludeReader(), None, b""
    for start in range(0, len(WHOLE), piece):
        data = WHOLE[start : start + piece]
        if found is None:
            head = reader.feed(data)
            if head is not None:
                found, rest = head
        else:
            rest += data
    assert found is not None
    assert (found.status, rest) == (201, b"\0payload")
    assert found.headers == (
        ("Content-Type", "text/plain"),
        ("X-N", "3"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    )


def test_status_defaults_to_200_and_multi_value_headers_win() -> None:
    prelude = parse(b'{"headers":{"A":"1","B":"0"},"multiValueHeaders":{"a":["2","3"]}}')
    assert (prelude.status, prelude.headers) == (200, (("B", "0"), ("a", "2"), ("a", "3")))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"hello",
        b"[]",
        b'{"statusCode":"x"}',
        b'{"statusCode":99}',
        b'{"headers":["a"]}',
        b'{"cookies":"a"}',
        b'{"statusCode":true}',
        b'{"statusCode":101}',
        b'{"headers":{"a b":"c"}}',
        b'{"headers":{"":"c"}}',
        b'{"multiValueHeaders":{"a":"b"}}',
    ],
)
def test_what_is_no_prelude_is_refused(text: bytes) -> None:
    with pytest.raises(PreludeError):
        PreludeReader().feed(text + bytes(8))


def test_delimiter_has_to_come_within_the_limit() -> None:
    assert PreludeReader(within=10).feed(b"{}" + bytes(8)) is not None
    with pytest.raises(PreludeError, match="within the first 9 bytes"):
        PreludeReader(within=9).feed(b"{}" + bytes(8))
    reader = PreludeReader(within=9)
    assert reader.feed(b"{" * 9) is None
    with pytest.raises(PreludeError):
        reader.feed(b"{")


@pytest.mark.parametrize(("given", "status"), [(200, 200), ("418", 418), (200.0, 200)])
def test_status_may_be_text(given: object, status: int) -> None:
    assert status_of(given) == status
