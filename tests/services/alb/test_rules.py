"""Which rule a request meets, and what answers without a target."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.aws.errors import AwsError


async def tell(request: Any, writer: Any) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmain")


CONDITIONS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"Field": "path-pattern", "Values": ["/chat/*"]}, {"url": "/chat/1"}, True),
    ({"Field": "path-pattern", "Values": ["/chat/*"]}, {"url": "/Chat/1"}, False),
    ({"Field": "path-pattern", "Values": ["/a?c"]}, {"url": "/abc"}, True),
    ({"Field": "path-pattern", "Values": ["/a?c"]}, {"url": "/abbc"}, False),
    ({"Field": "path-pattern", "Values": ["/a\\*c"]}, {"url": "/abc"}, False),
    ({"Field": "host-header", "Values": ["*.example.com"]}, {"headers": {"host": "Chat.Example.com"}}, True),
    ({"Field": "host-header", "Values": ["*.example.com"]}, {"headers": {"host": "example.com"}}, False),
    ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Kind", "Values": ["a*", "b"]}},
     {"headers": {"x-kind": "ABC"}}, True),
    ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Kind", "Values": ["a*"]}}, {}, False),
    ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["PUT"]}}, {"method": "PUT"}, True),
    ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["PUT"]}}, {}, False),
    ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "1*"}]}},
     {"url": "/?v=12"}, True),
    ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "beta"}]}}, {"url": "/?any=BETA"}, True),
    ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "1"}]}},
     {"url": "/?w=1"}, False),
    ({"Field": "source-ip", "SourceIpConfig": {"Values": ["127.0.0.0/8"]}}, {}, True),
    ({"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}, {}, False),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "request_", "matches"), CONDITIONS)
def test_a_condition_decides(play: Any, condition: Any, request_: Any, matches: bool) -> None:
    async def main(world: Any) -> Any:
        fixed = {"StatusCode": "418", "MessageBody": "rule", "ContentType": "text/plain"}
        action = [{"Type": "fixed-response", "FixedResponseConfig": {**fixed, "StatusCode": "409"}}]
        await world.aws(
            "CreateRule", ListenerArn=world.listener, Priority=1, Conditions=[condition], Actions=action
        )
        options = {"method": "GET", "url": "/", "headers": {}, **request_}
        url = "/_aws/alb/lb" + options.pop("url")
        return (await world.http.request(url=url, **options)).status_code

    assert play(main, tell) == (409 if matches else 200)


def test_the_lowest_priority_that_matches_wins_and_all_conditions_must_hold(play: Any) -> None:
    async def main(world: Any) -> Any:
        async def rule(priority: int, status: str, *patterns: dict[str, Any]) -> str:
            action = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status}}]
            made = await world.aws(
                "CreateRule",
                ListenerArn=world.listener,
                Priority=priority,
                Conditions=list(patterns),
                Actions=action,
            )
            return str(made["Rules"][0]["RuleArn"])

        path = {"Field": "path-pattern", "Values": ["/x*"]}
        put = {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["PUT"]}}
        await rule(20, "402", path)
        both = await rule(10, "401", path, put)
        seen = [(await world.http.request(m, "/x")).status_code for m in ("GET", "PUT")]
        await world.aws("SetRulePriorities", RulePriorities=[{"RuleArn": both, "Priority": 30}])
        seen.append((await world.http.put("/x")).status_code)
        return seen

    assert play(main, tell) == [402, 401, 402]


def test_a_fixed_response(play: Any) -> None:
    async def main(world: Any) -> Any:
        fixed = {"StatusCode": "503", "MessageBody": "later", "ContentType": "text/plain"}
        await world.aws(
            "ModifyListener", ListenerArn=world.listener,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": fixed}],
        )  # fmt: skip
        return await world.http.get("/")

    response = play(main)
    assert (response.status_code, response.text) == (503, "later")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("config", "location"),
    [
        ({"Protocol": "HTTPS", "Port": "443"}, "https://lb-1.us-east-1.elb.amazonaws.com:443/a/b?c=1"),
        ({"Host": "new.example", "Path": "/v2/#{path}", "Query": ""}, "http://new.example:80/v2/a/b"),
        ({"Path": "/#{host}/#{port}", "Query": "#{query}&d=2"},
         "http://lb-1.us-east-1.elb.amazonaws.com:80/lb-1.us-east-1.elb.amazonaws.com/80?c=1&d=2"),
    ],
)  # fmt: skip
def test_a_redirect_keeps_what_it_does_not_change(play: Any, config: Any, location: str) -> None:
    async def main(world: Any) -> Any:
        action = [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302", **config}}]
        await world.aws("ModifyListener", ListenerArn=world.listener, DefaultActions=action)
        return await world.http.get("/a/b?c=1")

    response = play(main)
    assert (response.status_code, response.headers["location"]) == (302, location)


def test_headers_that_the_listener_puts_into_every_answer(play: Any) -> None:
    async def main(world: Any) -> Any:
        wanted = {
            "routing.http.response.x_frame_options.header_value": "DENY",
            "routing.http.response.server.enabled": "false",
        }
        await world.aws(
            "ModifyListenerAttributes", ListenerArn=world.listener,
            Attributes=[{"Key": key, "Value": value} for key, value in wanted.items()],
        )  # fmt: skip
        return (await world.http.get("/")).headers

    headers = play(main)
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers


def test_an_unknown_load_balancer_and_an_unknown_listener_are_told(play: Any) -> None:
    async def main(world: Any) -> Any:
        answers = [await world.http.get(f"/_aws/alb/{name}/") for name in ("other", "lb:81")]
        return [(answer.status_code, answer.json()["message"]) for answer in answers]

    assert play(main) == [
        (404, "There is no load balancer other."),
        (404, "The load balancer lb has no listener at port 81; it has HTTP:80."),
    ]


# -- regular expressions and transforms


async def only(world: Any, condition: Any, **more: Any) -> Any:
    """A rule before a default of 404."""
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    await world.aws("ModifyListener", ListenerArn=world.listener, DefaultActions=[fixed])
    forward = [{"Type": "forward", "TargetGroupArn": world.group.arn}]
    given = {"Priority": 1, "Conditions": [condition], "Actions": forward, **more}
    made = await world.aws("CreateRule", ListenerArn=world.listener, **given)
    return made["Rules"][0]


@pytest.mark.fact("7.16")
@pytest.mark.parametrize(
    ("condition", "path", "headers", "matches"),
    [
        ({"Field": "path-pattern", "RegexValues": ["^/v[12]/"]}, "/v1/x", {}, True),
        ({"Field": "path-pattern", "RegexValues": ["^/v[12]/"]}, "/v3/x", {}, False),
        ({"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["/(a|b)$"]}}, "/x/b", {}, True),
        ({"Field": "host-header", "HostHeaderConfig": {"RegexValues": ["^lb-[0-9]+[.]"]}}, "/", {}, True),
        (
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X", "RegexValues": ["^a{2}$"]}},
            "/",
            {"x": "aa"},
            True,
        ),
    ],
)
def test_a_regular_expression_decides(
    play: Any, condition: Any, path: str, headers: Any, matches: bool
) -> None:
    async def main(world: Any) -> Any:
        await only(world, condition)
        return (await world.http.get(path, headers=headers)).status_code

    assert play(main) == (200 if matches else 404)


ANY = {"Field": "path-pattern", "Values": ["*"]}


@pytest.mark.fact("7.16")
@pytest.mark.parametrize(
    ("path", "line", "host"),
    [
        ("/api/users?a=1", "GET /users?a=1 HTTP/1.1", "inner-1.example.org"),
        ("/other?a=1", "GET /other?a=1 HTTP/1.1", "inner-1.example.org"),
    ],
)
def test_a_transform_rewrites_what_the_target_gets(play: Any, path: str, line: str, host: str) -> None:
    transforms = [
        {
            "Type": "url-rewrite",
            "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/api/(.+)$", "Replace": "/$1"}]},
        },
        {
            "Type": "host-header-rewrite",
            "HostHeaderRewriteConfig": {
                "Rewrites": [{"Regex": "^lb-([0-9]).*$", "Replace": "inner-$1.example.org"}]
            },
        },
    ]

    async def main(world: Any) -> Any:
        rule = await only(world, ANY, Transforms=transforms)
        await world.http.get(path)
        seen = world.servers[0].seen[0]
        changed = await world.aws("ModifyRule", RuleArn=rule["RuleArn"], ResetTransforms=True)
        await world.http.get(path)
        return rule["Transforms"], seen.line, seen.headers["host"], changed, world.servers[0].seen[1].line

    shown, seen, seen_host, changed, later = play(main)
    assert (shown, seen, seen_host) == (transforms, line, host)
    assert "Transforms" not in changed["Rules"][0]
    assert later == f"GET {path} HTTP/1.1"


REWRITES = [{"Regex": "/(a)?(b)", "Replace": "/$1-$2-$3"}, {"Regex": "b", "Replace": "c"}]


@pytest.mark.fact("7.16")
@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/ab/ab", "GET /a-b-/ab HTTP/1.1"),  # what is behind the match stays, a later match too
        ("/b", "GET /-b- HTTP/1.1"),  # a group without a part, and one that there is not, are empty
        ("/xb?b=1", "GET /xc?b=1 HTTP/1.1"),  # the first pattern that matches counts
    ],
)
def test_the_first_match_of_the_first_pattern_is_replaced(play: Any, path: str, line: str) -> None:
    async def main(world: Any) -> Any:
        await only(
            world, ANY, Transforms=[{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": REWRITES}}]
        )
        await world.http.get(path)
        return world.servers[0].seen[0].line

    assert play(main) == line


@pytest.mark.fact("7.16")
@pytest.mark.parametrize(
    ("kind", "rewrite"),
    [
        ("path-rewrite", {"Regex": "a", "Replace": "b"}),
        ("url-rewrite", {"Regex": "a", "Replace": "b" * 1025}),
        ("url-rewrite", {"Regex": "(?=a)", "Replace": "b"}),
        ("url-rewrite", None),
    ],
)
def test_a_transform_that_cannot_be(play: Any, kind: str, rewrite: Any) -> None:
    config = {"Rewrites": [rewrite] if rewrite else []}

    async def main(world: Any) -> Any:
        with pytest.raises(AwsError) as refused:
            await only(world, ANY, Transforms=[{"Type": kind, "UrlRewriteConfig": config}])
        return refused.value.code

    assert play(main) == "ValidationError"


@pytest.mark.fact("7.16")
def test_a_rule_has_one_transform_of_a_kind(play: Any) -> None:
    one = {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": REWRITES}}

    async def main(world: Any) -> Any:
        with pytest.raises(AwsError) as refused:
            await only(world, ANY, Transforms=[one, one])
        return refused.value.message

    assert play(main) == "A rule can have one transform of each type"


@pytest.mark.fact("7.16")
def test_a_rewritten_host_that_is_none_is_500(play: Any) -> None:
    rewrite = {"Rewrites": [{"Regex": "^.*$", "Replace": "no host"}]}

    async def main(world: Any) -> Any:
        transform = {"Type": "host-header-rewrite", "HostHeaderRewriteConfig": rewrite}
        await only(world, ANY, Transforms=[transform])
        return (await world.http.get("/")).status_code, world.servers[0].seen

    assert play(main) == (500, [])


@pytest.mark.fact("7.16")
def test_a_rewritten_url_that_is_none_is_500(play: Any) -> None:
    rewrite = {"Rewrites": [{"Regex": "^/", "Replace": ""}]}

    async def main(world: Any) -> Any:
        await only(world, ANY, Transforms=[{"Type": "url-rewrite", "UrlRewriteConfig": rewrite}])
        return (await world.http.get("/x")).status_code

    assert play(main) == 500


@pytest.mark.fact("7.16")
@pytest.mark.parametrize(
    "pattern", ["(?=a)", "(?<!a)b", r"(a)\1", "(?>a)", "a++", r"\p{L}", "(", "a" * 129, ""]
)
def test_an_expression_that_aws_does_not_take_is_refused(play: Any, pattern: str) -> None:
    async def main(world: Any) -> Any:
        with pytest.raises(AwsError) as refused:
            await only(world, {"Field": "path-pattern", "RegexValues": [pattern]})
        return refused.value.code

    assert play(main) == "ValidationError"


# -- what the request line may say


def said(play: Any, head: bytes) -> Any:
    async def main(world: Any) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.sandbox.settings.port)
        writer.write(head)
        status = (await reader.readline()).split()[1]
        writer.close()
        return int(status), [(one.line, one.headers["host"]) for one in world.servers[0].seen]

    return play(main)


def test_a_whole_address_in_the_request_line_names_the_host(play: Any) -> None:  # RFC 9112, section 3.2.2
    head = f"GET http://{play.NAME}/x?a=1 HTTP/1.1\r\nHost: somebody.else\r\n\r\n".encode()
    assert said(play, head) == (200, [("GET /x?a=1 HTTP/1.1", play.NAME)])


@pytest.mark.fact("7.6")
@pytest.mark.parametrize(("line", "status"), [("GET / HTTP/2.0", 505), ("TRACE / HTTP/1.1", 405)])
def test_versions_and_methods_that_are_refused(play: Any, line: str, status: int) -> None:
    assert said(play, f"{line}\r\nHost: {play.NAME}\r\n\r\n".encode()) == (status, [])
