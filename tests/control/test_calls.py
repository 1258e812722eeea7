"""Calls from inside: what botocore writes, who answers, how times are read."""

from datetime import UTC, datetime

import pytest
from botocore.awsrequest import create_request_object
from botocore.utils import parse_timestamp

from sandbox.clock import Clock, run
from sandbox.control import calls, wire
from tests.control.helpers import make_sandbox


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-24T12:00:00Z",
        "2026-11-24T12:00:00.123Z",
        "Tue, 24 Nov 2026 12:00:00 GMT",
        1795521600,
        "1795521600.5",
    ],
)
def test_times_are_read_as_botocore_reads_them(written: object):
    assert calls._timestamp(written) == parse_timestamp(written)
    assert calls._timestamp("2026-11-24T12:00:00Z") == datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("iam", "TagRole", {"RoleName": "r&ä", "Tags": [{"Key": "k", "Value": ""}]}),
        ("s3", "PutObject", {"Bucket": "bucket-1", "Key": "a b/ä", "Body": b"\0\1"}),
        ("s3", "GetObject", {"Bucket": "bucket-1", "Key": "k", "VersionId": "v&1"}),
        ("lambda", "UpdateFunctionCode", {"FunctionName": "f:x", "ZipFile": b"zip"}),
        ("apigateway", "DeleteStage", {"restApiId": "a", "stageName": "s"}),
    ],
)  # fmt: skip
def test_a_request_is_as_botocore_would_send_it(service: str, operation: str, params: dict[str, object]):
    method = calls._client(service, "us-east-1").methods[operation]
    with pytest.raises(calls._Written) as written:
        method(**params)
    sent = create_request_object(written.value.request).prepare()
    ours = calls._http(written.value.request, "localhost:4566", operation)
    path, _, query = sent.url.removeprefix("http://localhost").partition("?")
    body = sent.body if sent.body is not None else b""
    if hasattr(body, "read"):
        body.seek(0)
        body = body.read()
    assert (ours.method, ours.path, ours.query) == (sent.method, path or "/", query)
    assert ours.body == (body.encode() if isinstance(body, str) else body)
    assert {name: value.encode() for name, value in ours.headers} == {
        name: value if isinstance(value, bytes) else value.encode() for name, value in sent.headers.items()
    }


def test_what_is_moto_s_own_is_not_read_before_it(monkeypatch: pytest.MonkeyPatch):
    read: list[str | None] = []
    original = wire.read
    monkeypatch.setattr(
        wire, "read", lambda service, request: read.append(request.operation) or original(service, request)
    )

    async def main(clock: Clock) -> None:
        control = make_sandbox(clock).control
        trust = '{"Version": "2012-10-17", "Statement": []}'
        await control.call("iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=trust)
        policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        await control.call("iam", "AttachRolePolicy", RoleName="r", PolicyArn=policy)
        found = await control.call("iam", "ListAttachedRolePolicies", RoleName="r")
        assert [one["PolicyArn"] for one in found["AttachedPolicies"]] == [policy]

    run(main, in_flight="test")
    assert read == ["AttachRolePolicy"]  # which has a shim
