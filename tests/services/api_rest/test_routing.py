"""Which resource a path means."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sandbox.services.api_rest.routing import find

PATHS = (
    "/",
    "/chat",
    "/chat/{id}",
    "/chat/{id}/log",
    "/chat/{proxy+}",
    "/{any}",
    "/{all+}",
    "/a/{x}/c",
    "/a/b/{y}",
)


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/", "/", {}),
        ("/chat", "/chat", {}),
        ("/chat/", "/chat", {}),
        ("/chat/1", "/chat/{id}", {"id": "1"}),
        ("/chat/a%20b", "/chat/{id}", {"id": "a%20b"}),
        ("/chat/1/log", "/chat/{id}/log", {"id": "1"}),
        ("/chat/1/2/3", "/chat/{proxy+}", {"proxy": "1/2/3"}),
        ("/other", "/{any}", {"any": "other"}),
        ("/other/x/", "/{all+}", {"all": "other/x"}),
        ("/a/b/c", "/a/b/{y}", {"y": "c"}),
        ("/a/z/c", "/a/{x}/c", {"x": "z"}),
    ],
)
def test_most_specific_resource_wins(
    rest: SimpleNamespace, path: str, resource: str, parameters: dict[str, str]
) -> None:
    found = find([rest.resource(p) for p in PATHS], "GET", path)
    assert found is not None
    assert (found[0].path, found[2]) == (resource, parameters)


def test_named_method_wins_over_any(rest: SimpleNamespace) -> None:
    resources = [rest.resource("/chat", rest.method("ANY"), rest.method("GET"))]
    for http_method, expected in (("GET", "GET"), ("POST", "ANY")):
        found = find(resources, http_method, "/chat")
        assert found is not None
        assert found[1].http_method == expected


def test_resource_without_the_method_is_passed_over(rest: SimpleNamespace) -> None:
    resources = [rest.resource("/chat", rest.method("POST")), rest.resource("/{proxy+}", rest.method("ANY"))]
    found = find(resources, "GET", "/chat")
    assert found is not None
    assert found[0].path == "/{proxy+}"


def test_nothing_matches(rest: SimpleNamespace) -> None:
    assert find([rest.resource("/chat/{proxy+}")], "GET", "/chat") is None
    assert find([rest.resource("/chat", rest.method("POST"))], "GET", "/chat") is None
