"""A stage's cache on virtual time: what is kept, for how long, for whom."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.control.resources import StageCache
from sandbox.services.api_rest import RestApiService

ALL = {"*/*": {"cachingEnabled": True, "cacheTtlInSeconds": 300}}
ANYONE = {"*/*": {**ALL["*/*"], "requireAuthorizationForCacheControl": False}}
KEY = ("method.request.querystring.type",)
FRESH = {"headers": {"cache-control": "max-age=0"}}
Ask = tuple[float, str, dict[str, Any]]


def asked(
    edge: SimpleNamespace, rest: SimpleNamespace, *asks: Ask, method: str = "GET", **config: Any
) -> Any:
    """The replies, and how often the function ran, after requests at these instants."""
    keys = config.pop("keys", ())
    settings: dict[str, Any] = {"cache": StageCache(0, 2**29), "method_settings": ALL}
    changes = config.pop("changes", {})  # index of a request -> settings from then on
    answer = config.pop("answer", {"statusCode": 200, "body": "made"})
    api_method = rest.method(method, cache_key_parameters=keys, **config.pop("integration", {}))
    resources = (rest.resource("/chat", api_method), rest.resource("/chat/{id}", api_method))

    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock)
        sandbox.control.resources.policies[("chat", None)] = rest.permission()
        sandbox.lambda_.returns(json.dumps(answer).encode())
        service, replies = RestApiService(sandbox), []
        for index, (at, path, more) in enumerate(asks):
            settings.update(config | changes.get(index, {}))
            sandbox.control.resources.apis[("api1", "prod")] = rest.api(*resources, **settings)
            await clock.advance(at - clock.now())
            replies.append(await edge.request(service, clock, rest.HOST, path, **{"method": method, **more}))
        return replies, len(sandbox.lambda_.invocations)

    return edge.run(main)


def test_an_answer_is_kept_for_its_ttl(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    path = "/prod/chat"
    replies, runs = asked(edge, rest, (0, path, {}), (299.9, path, {}), (300, path, {}), (301, path, {}))
    assert [reply.body for reply in replies] == [b"made"] * 4
    assert runs == 2
    assert len({reply.header("x-amzn-requestid") for reply in replies}) == 4


def test_without_a_cluster_or_a_setting_nothing_is_kept(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    two = ((0, "/prod/chat", {}), (1, "/prod/chat", {}))
    assert asked(edge, rest, *two, cache=None)[1] == 2
    assert asked(edge, rest, *two, method_settings={})[1] == 2
    assert (
        asked(edge, rest, *two, method_settings={"*/*": {"cachingEnabled": True, "cacheTtlInSeconds": 0}})[1]
        == 2
    )


def test_other_methods_than_get_need_a_setting_of_their_own(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    two = ((0, "/prod/chat", {}), (1, "/prod/chat", {}))
    assert asked(edge, rest, *two, method="POST")[1] == 2
    assert asked(edge, rest, *two, method="POST", method_settings={"chat/POST": ALL["*/*"]})[1] == 1


def test_key_parameters_tell_answers_apart(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    paths = [f"/prod/chat?type={kind}&n={n}" for kind in "ab" for n in (1, 2)]
    asks = tuple((n, path, {}) for n, path in enumerate(paths))
    assert asked(edge, rest, *asks)[1] == 1
    assert asked(edge, rest, *asks, keys=KEY)[1] == 2


def test_the_resource_is_the_namespace_unless_told_otherwise(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    asks = ((0, "/prod/chat/1", {}), (1, "/prod/chat/2", {}))
    assert asked(edge, rest, *asks)[1] == 1  # the path alone is no key
    assert asked(edge, rest, *asks, keys=("method.request.path.id",))[1] == 2


def test_an_error_of_the_function_is_kept_too_but_not_the_gateways(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    two = ((0, "/prod/chat", {}), (1, "/prod/chat", {}))
    replies, runs = asked(edge, rest, *two, answer={"statusCode": 429, "body": "slow down"})
    assert ([reply.status for reply in replies], runs) == ([429, 429], 1)
    replies, runs = asked(edge, rest, *two, answer=["no answer"])
    assert ([reply.status for reply in replies], runs) == ([502, 502], 2)


def test_a_large_answer_is_not_kept(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    two = ((0, "/prod/chat", {}), (1, "/prod/chat", {}))
    for size, runs in ((1_048_576, 1), (1_048_577, 2)):
        assert asked(edge, rest, *two, answer={"body": "x" * size})[1] == runs


def test_a_full_cluster_forgets_what_was_not_asked_for_longest(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    asks = tuple((n, f"/prod/chat?type={kind}", {}) for n, kind in enumerate("abacab"))
    answer = {"body": "x" * 100}
    assert asked(edge, rest, *asks, keys=KEY, answer=answer, cache=StageCache(0, 200))[1] == 4  # a b - c - b


@pytest.mark.parametrize("change", [{"cache": StageCache(1, 2**29)}, {"deployment_id": "dep2"}])
def test_a_flush_and_a_new_deployment_begin_anew(
    edge: SimpleNamespace, rest: SimpleNamespace, change: Any
) -> None:
    two = ((0, "/prod/chat", {}), (1, "/prod/chat", {}))
    assert asked(edge, rest, *two, changes={1: change})[1] == 2


def test_a_client_may_ask_for_a_new_answer(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    asks = (
        (0, "/prod/chat", {}),
        (200, "/prod/chat", FRESH),
        (400, "/prod/chat", {}),
        (501, "/prod/chat", {}),
    )
    replies, runs = asked(edge, rest, *asks, method_settings=ANYONE)
    assert runs == 3  # the new one counts from 200 s on
    assert [reply.header("warning") for reply in replies] == [None] * 4


@pytest.mark.parametrize(
    ("strategy", "status", "warning"),
    [
        ("SUCCEED_WITHOUT_RESPONSE_HEADER", 200, None),
        (
            "SUCCEED_WITH_RESPONSE_HEADER",
            200,
            "199 Cache-control headers were ignored because the caller was unauthorized.",
        ),
        ("FAIL_WITH_403", 403, None),
    ],
)
def test_who_may_not_gets_what_the_setting_says(
    edge: SimpleNamespace, rest: SimpleNamespace, strategy: str, status: int, warning: str | None
) -> None:
    setting = {"*/*": {**ALL["*/*"], "unauthorizedCacheControlHeaderStrategy": strategy}}
    (_, reply), runs = asked(
        edge, rest, (0, "/prod/chat", {}), (1, "/prod/chat", FRESH), method_settings=setting
    )
    assert (reply.status, reply.header("warning"), runs) == (status, warning, 1)


def test_a_policy_may_let_clients_invalidate(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    actions = ["execute-api:Invoke", "execute-api:InvalidateCache"]
    for allowed, runs in ((actions, 2), (actions[:1], 1)):
        statement = {"Effect": "Allow", "Principal": "*", "Action": allowed, "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        two = ((0, "/prod/chat", {}), (1, "/prod/chat", FRESH))
        assert asked(edge, rest, *two, policy=policy)[1] == runs
