"""What goes to LocalStack, in which form, and what a client is told when it does not answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sandbox.aws.errors import AwsError
from sandbox.backend import BackendError, parse_backend
from sandbox.clock import Clock, run
from sandbox.context import Sandbox
from sandbox.control import MotoControl
from sandbox.control.localstack.link import signed_by_us
from sandbox.control.localstack.probes import PROBES
from sandbox.control.message import Request, Response
from sandbox.control.target import Target
from tests.control.helpers import make_sandbox
from tests.control.localstack.fake import Fake, fake

OK = (200, {}, b"{}")


def control_of(sandbox: Sandbox) -> MotoControl:
    assert isinstance(sandbox.control, MotoControl)
    return sandbox.control


def with_fake(body: Callable[[Sandbox, Fake], Awaitable[None]], kind: Any = "real") -> None:
    """Run on a sandbox before a fake LocalStack."""

    async def main(clock: Clock) -> None:
        with fake() as server:
            sandbox = make_sandbox(clock, localstack_url=server.url)
            try:
                await body(sandbox, server)
            finally:
                await control_of(sandbox).stop()

    run(main, kind)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("moto", None),
        ("localstack=http://127.0.0.1:4566/", "http://127.0.0.1:4566"),
        ("localstack=https://localhost.localstack.cloud:4566", "https://localhost.localstack.cloud:4566"),
    ],
)
def test_a_backend_is_read(text: str, found: str | None) -> None:
    assert parse_backend(text) == found


@pytest.mark.parametrize(
    "text", ["", "localstack", "localstack=", "localstack=4566", "localstack=http://h:x", "moto=1",
             "localstack=http://h/path", "localstack=ftp://h"]
)  # fmt: skip
def test_a_wrong_backend_is_refused(text: str) -> None:
    with pytest.raises(BackendError):
        parse_backend(text)


def test_what_is_no_localstack_is_told_apart() -> None:
    async def body(sandbox: Sandbox, server: Fake) -> None:
        await control_of(sandbox).connect()
        server.answers.clear()
        with pytest.raises(BackendError, match="does not answer sts GetCallerIdentity: 501 not included"):
            await control_of(sandbox).connect()
        server.health = b"hello"
        with pytest.raises(BackendError, match="is not LocalStack"):
            await control_of(sandbox).connect()

    with_fake(body)


def test_nobody_there() -> None:
    async def main(clock: Clock) -> None:
        with fake() as server:
            url = server.url
        control = control_of(make_sandbox(clock, localstack_url=url))
        with pytest.raises(BackendError, match=f"LocalStack at {url} does not answer.*Is it running"):
            await control.connect()
        await control.stop()

    run(main, "real")


def test_a_service_is_asked_once_whether_it_is_there() -> None:
    async def body(sandbox: Sandbox, server: Fake) -> None:
        control = control_of(sandbox)
        server.answers["ssm", "DescribeParameters"] = OK
        server.answers["ssm", "GetParameter"] = (200, {}, b'{"Parameter": {"Value": "from there"}}')
        calls = [control.call("ssm", "GetParameter", Name="p") for _ in range(3)]
        assert {one["Parameter"]["Value"] for one in await asyncio.gather(*calls)} == {"from there"}
        assert [one["operation"] for one in server.asked].count("DescribeParameters") == 1
        assert control.backend["localstack"] == ["ssm"]

    with_fake(body)


def test_what_localstack_lacks_is_motos_and_the_reason_is_kept() -> None:
    async def body(sandbox: Sandbox, server: Fake) -> None:
        control = control_of(sandbox)
        await control.call("secretsmanager", "CreateSecret", Name="s", SecretString="ours")
        assert control.backend["moto"] == {"secretsmanager": "501 not included"}
        assert control.backend["localstack"] == []
        server.answers["dynamodb", "ListTables"] = (500, {}, b'{"message": "no program"}')
        server.answers["dynamodb", "ListStreams"] = OK  # nothing without the tables
        await control.call("dynamodbstreams", "ListStreams")
        assert control.backend["moto"]["dynamodbstreams"] == "dynamodb is not: 500 no program"

    with_fake(body)


@pytest.mark.parametrize("service", ["lambda", "apigateway", "cognito-idp", "cloudformation"])
def test_what_data_planes_read_is_never_asked_there(service: str) -> None:
    async def body(sandbox: Sandbox, server: Fake) -> None:
        call = {
            "lambda": ("ListFunctions", {}),
            "apigateway": ("GetRestApis", {}),
            "cognito-idp": ("ListUserPools", {"MaxResults": 10}),
            "cloudformation": ("DescribeStacks", {}),
        }[service]
        assert "ec2" not in PROBES  # in whose subnets load balancers and tasks stand
        await control_of(sandbox).call(service, call[0], **call[1])
        assert not server.asked

    with_fake(body)


def test_on_the_virtual_clock_what_waits_stays_here_and_a_call_costs_no_time() -> None:
    async def body(sandbox: Sandbox, server: Fake) -> None:
        control = control_of(sandbox)
        server.answers["ssm", "DescribeParameters"] = server.answers["ssm", "GetParameter"] = OK
        server.answers["sqs", "ListQueues"] = OK
        timer = asyncio.create_task(asyncio.sleep(1000))
        with sandbox.clock.in_flight("test"):
            await control.call("ssm", "GetParameter", Name="p")
            await control.call("sqs", "ListQueues")
        assert sandbox.clock.now() == 0
        timer.cancel()
        assert control.backend["localstack"] == ["ssm"]
        assert "virtual" in control.backend["moto"]["sqs"]

    with_fake(body, "virtual")


def test_a_localstack_that_goes_away_is_a_503_that_says_so() -> None:
    async def body(sandbox: Sandbox, server: Fake) -> None:
        server.answers["ssm", "DescribeParameters"] = server.answers["ssm", "GetParameter"] = OK
        await control_of(sandbox).call("ssm", "GetParameter", Name="p")
        server.gone = True
        with pytest.raises(AwsError, match="does not answer") as raised:
            await control_of(sandbox).call("ssm", "GetParameter", Name="p")
        assert (raised.value.status, raised.value.code) == (503, "ServiceUnavailable")

    with_fake(body)


# -- the form of a request -------------------------------------------------------------------------------


def exchanged(
    request: Request, service: str = "s3", bucket: str | None = None
) -> tuple[Response, dict[str, Any]]:
    """An answer, and the request as LocalStack saw it."""
    seen: list[Any] = []

    async def body(sandbox: Sandbox, server: Fake) -> None:
        headers = {"ETag": '"e"', "Content-Encoding": "gzip", "X-Amz-Meta-Who": "me"}
        backend = control_of(sandbox)._localstack
        assert backend is not None
        server.answers["s3", "/"] = OK
        for key in (("s3", "/b/k%2F+%C3%BC/../x?versionId=1"), ("s3", "/b/k")):
            server.answers[key] = (200, headers, b"\x1f\x8bnot gzip")
        answer = await backend.ask(Target(service, "eu-west-1", bucket), request)
        seen.extend((answer, server.asked[-1]))

    with_fake(body)
    return seen[0], seen[1]


def test_path_and_bytes_go_through_as_they_are() -> None:
    request = Request("GET", "localhost:4566", "/b/k%2F+%C3%BC/../x", "versionId=1")
    answer, seen = exchanged(request)
    assert seen["target"] == "/b/k%2F+%C3%BC/../x?versionId=1"
    assert answer.body == b"\x1f\x8bnot gzip"
    assert answer.header("content-encoding") == "gzip"
    assert answer.header("x-amz-meta-who") == "me"
    assert answer.header("content-length") is None


def test_a_bucket_in_the_host_goes_into_the_path() -> None:
    _, seen = exchanged(Request("GET", "b.s3.eu-west-1.amazonaws.com", "/k"), bucket="b")
    assert (seen["target"], seen["headers"]["host"]) == ("/b/k", seen["headers"]["host"])
    assert seen["headers"]["host"].startswith("127.0.0.1:")


def test_service_region_and_account_are_in_the_scope_and_the_clients_secrets_are_not() -> None:
    signature = "AWS4-HMAC-SHA256 Credential=ASIAX/20261124/eu-west-1/s3/aws4_request, Signature=abc"
    headers = (("authorization", signature), ("x-amz-security-token", "t"), ("expect", "100-continue"))
    _, seen = exchanged(Request("PUT", "h", "/b/k", "", headers, b"body"))
    assert seen["scope"] == "000000000000/20260101/eu-west-1/s3/aws4_request"
    assert "x-amz-security-token" not in seen["headers"]
    assert "expect" not in seen["headers"]
    assert seen["body"] == b"body"


def test_a_presigned_url_becomes_an_ordinary_request() -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=c&X-Amz-Signature=s&X-Amz-Expires=60"
        "&x-amz-meta-who=me&response-content-type=text%2Fplain&versionId=1"
    )
    made = signed_by_us(Request("GET", "h", "/b/k", query), "1" * 12, "s3", "us-east-1")
    assert made.query == "response-content-type=text%2Fplain&versionId=1"
    assert made.header("x-amz-meta-who") == "me"
    two = signed_by_us(
        Request("GET", "h", "/b/k", "AWSAccessKeyId=a&Signature=s&Expires=1"), "1" * 12, "s3", "us-east-1"
    )
    assert two.query == ""


def test_an_answer_to_head_tells_a_length() -> None:
    seen: list[Response] = []

    async def body(sandbox: Sandbox, server: Fake) -> None:
        backend = control_of(sandbox)._localstack
        assert backend is not None
        server.answers["s3", "/b/k"] = (200, {"Content-Length": "11"}, b"")
        seen.append(await backend.ask(Target("s3", "us-east-1"), Request("HEAD", "h", "/b/k")))

    with_fake(body)
    assert (seen[0].header("content-length"), seen[0].body) == ("11", b"")


def test_queue_urls_come_back_with_the_address_that_was_asked() -> None:
    there = "http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/q"

    async def body(sandbox: Sandbox, server: Fake) -> None:
        server.answers["sqs", "ListQueues"] = (200, {}, json.dumps({"QueueUrls": [there]}).encode())
        found = await control_of(sandbox).call("sqs", "ListQueues")
        assert found["QueueUrls"] == ["http://localhost:4566/000000000000/q"]

    with_fake(body)


def test_a_type_that_the_sandbox_lacks_is_refused_and_nothing_of_the_stack_is_made() -> None:
    body = {"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v"}},
                          "D": {"Type": "AWS::OpenSearchService::Domain"}}}  # fmt: skip

    async def check(sandbox: Sandbox, server: Fake) -> None:
        with pytest.raises(
            AwsError, match=r"\[AWS::OpenSearchService::Domain\]. .* at http.* is not asked"
        ) as raised:
            await control_of(sandbox).call(
                "cloudformation", "CreateStack", StackName="s", TemplateBody=json.dumps(body)
            )
        assert raised.value.code == "ValidationError"
        assert not server.asked

    with_fake(check)
