"""The wire: errors of each protocol as botocore reads them, requests that cannot be read."""

from __future__ import annotations

import pytest
from botocore.parsers import create_parser

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control import wire
from sandbox.control.message import Request

ERROR = AwsError(400, "ValidationException", "a <b> & c")
SQS = (("X-Amz-Target", "AmazonSQS.SendMessage"), ("Content-Type", "application/x-amz-json-1.0"))
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


@pytest.mark.parametrize(
    ("service", "request_", "protocol"),
    [
        ("sqs", Request("POST", "h", "/", headers=SQS), "json"),
        ("lambda", Request("GET", "h", "/2015-03-31/functions/x"), "rest-json"),
        ("sts", Request("POST", "h", "/", headers=FORM, body=b"Action=A"), "query"),
        ("ec2", Request("POST", "h", "/", headers=FORM, body=b"Action=A"), "ec2"),
        ("s3", Request("GET", "h", "/bucket"), "rest-xml"),
    ],
)
def test_errors_are_what_botocore_reads(service: str, request_: Request, protocol: str) -> None:
    answer = wire.write_error(request_, service, ERROR, "the-id")
    headers = {name.lower(): value for name, value in answer.headers}
    shape = (
        wire.service_model(service)
        .operation_model(wire.service_model(service).operation_names[0])
        .output_shape
    )
    parsed = create_parser(protocol).parse(
        {"status_code": 400, "headers": headers, "body": answer.body}, shape
    )
    assert parsed["Error"]["Code"] == "ValidationException"
    assert parsed["Error"]["Message"] == "a <b> & c"
    assert parsed["ResponseMetadata"]["RequestId"] == "the-id"


def test_fields_and_headers_of_an_error() -> None:
    error = AwsError(
        429,
        "TooManyRequestsException",
        "Rate Exceeded.",
        fields={"Reason": "R"},
        headers={"Retry-After": "1"},
    )
    answer = wire.write_error(Request("GET", "h", "/"), "lambda", error, "i")
    assert answer.header("Retry-After") == "1"
    assert answer.body == b'{"Reason": "R", "message": "Rate Exceeded."}'


def test_lambda_spells_message_in_two_ways() -> None:
    missing = wire.write_error(
        Request("GET", "h", "/"), "lambda", AwsError(404, "ResourceNotFoundException", "m"), "i"
    )
    assert missing.body == b'{"Message": "m"}'


def test_reading_parameters_from_path_query_and_body() -> None:
    request = Request(
        "PUT",
        "h",
        "/2015-03-31/functions/a%3Ab/aliases/live",
        "x=1",
        (("Content-Type", "application/json"),),
        b'{"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.5}}}',
    )
    operation = wire.read("lambda", request)
    assert operation.name == "UpdateAlias"
    assert operation.params == {
        "FunctionName": "a:b",
        "Name": "live",
        "FunctionVersion": "1",
        "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.5}},
    }


def test_what_a_request_does_not_carry_is_left_out() -> None:
    operation = wire.read("apigateway", Request("GET", "h", "/restapis/a/resources"))
    assert operation.params == {"restApiId": "a"}
    operation = wire.read("apigateway", Request("GET", "h", "/restapis/a/resources", "embed=methods&limit=5"))
    assert operation.params == {"restApiId": "a", "embed": ["methods"], "limit": 5}


def test_an_operation_that_does_not_exist() -> None:
    with pytest.raises(NotEmulatedError, match="lambda PATCH /2015-03-31/nothing"):
        wire.read("lambda", Request("PATCH", "h", "/2015-03-31/nothing"))


def test_a_body_that_cannot_be_read() -> None:
    request = Request("POST", "h", "/2015-03-31/functions", body=b'{"Timeout": "soon", "FunctionName": "f"}')
    with pytest.raises(AwsError) as raised:
        wire.read("lambda", request)
    assert raised.value.code == "SerializationException"


@pytest.mark.parametrize("body", [b"{", b"null", b"[]", b"[" * 50_000, b"\xff"])
def test_a_body_of_the_json_protocol_that_is_no_object(body: bytes) -> None:
    with pytest.raises(AwsError) as raised:
        wire.read("sqs", Request("POST", "h", "/", headers=SQS, body=body))
    assert (raised.value.status, raised.value.code) == (400, "SerializationException")
