"""A REST API, without sockets: timeouts, refusals, access, gateway responses, with exact instants."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.auth import Credential
from sandbox.aws.errors import AwsError
from sandbox.context import Address
from sandbox.services.api_rest import RestApiService

MISSING = (403, b'{"message":"Missing Authentication Token"}')
INTERNAL = b'{"message": "Internal server error"}'


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("api1.execute-api.us-east-1.amazonaws.com", "us-east-1"),
        ("api1.execute-api.eu-west-1.localhost", "eu-west-1"),
        ("api1.execute-api.localhost", ""),
    ],
)
def test_api_claims_its_hosts(host: str, region: str) -> None:
    service = RestApiService(None)  # type: ignore[arg-type]
    assert service.match(Address("GET", host, "/", "", {})) == {"api_id": "api1", "region": region}


def test_api_leaves_other_hosts_alone() -> None:
    for host in ("localhost", "apigateway.us-east-1.amazonaws.com", "x.lambda-url.us-east-1.on.aws"):
        assert RestApiService(None).match(Address("GET", host, "/", "", {})) is None  # type: ignore[arg-type]


def test_api_knows_which_ids_are_its_own(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock)
        sandbox.control.resources.apis[("api1", "prod")] = rest.api()
        service = RestApiService(sandbox)
        return await service.owns("api1"), await service.owns("other")

    assert edge.run(main) == (True, False)


# -- timeout


@pytest.mark.parametrize(
    ("takes", "timeout_ms", "status", "at"),
    [
        (28.9, 29_000, 200, 28.9),
        (29.1, 29_000, 504, 29.0),
        (40.0, 29_000, 504, 29.0),
        (1.0, 50, 504, 0.05),
        (170.0, 180_000, 200, 170.0),
        (181.0, 180_000, 504, 180.0),
    ],
)
def test_integration_timeout_is_exact(
    edge: SimpleNamespace, rest: SimpleNamespace, takes: float, timeout_ms: int, status: int, at: float
) -> None:
    config = rest.api(rest.resource("/chat", rest.method(timeout_ms=timeout_ms)))
    reply, _ = rest.serve(edge, config, rest.returns(rest.OK, after=takes))
    assert (reply.status, reply.ended_at) == (status, at)
    assert len(reply.chunks) == 1  # nothing partial


def test_timeout_answer_is_awss_byte_for_byte_and_the_function_runs_on(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    finished: list[float] = []

    def prepare(sandbox: Any) -> None:
        sandbox.lambda_.returns(b'{"statusCode":200}', after=40.0)
        answer = sandbox.lambda_.answer

        async def noted(invocation: Any) -> Any:
            result = await answer(invocation)
            finished.append(sandbox.clock.now())
            return result

        sandbox.lambda_.answer = noted

    reply, sandbox = rest.serve(edge, None, prepare, wait=20)
    assert (reply.status, reply.body) == (504, b'{"message": "Endpoint request timed out"}')
    assert reply.header("content-type") == "application/json"
    assert reply.header("content-length") == "41"
    assert reply.header("x-amzn-errortype") == "InternalServerErrorException"
    assert reply.header("x-amzn-requestid")
    apigw_id = reply.header("x-amz-apigw-id")
    assert len(apigw_id) == 16
    assert apigw_id.endswith("=")
    assert reply.header("x-amzn-trace-id") is None
    assert finished == [40.0]
    names = [(e.name, e.at) for e in sandbox.timeline]
    assert names == [
        ("request_received", 0.0),
        ("failed", 29.0),
        ("response_started", 29.0),
        ("sent", 29.0),
        ("response_completed", 29.0),
    ]


# -- refusals of the gateway


def test_unknown_path_or_method_wants_a_token(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    config = rest.api(rest.resource("/chat", rest.method("POST")))
    for path, method in (("/prod/other", "POST"), ("/prod/chat", "GET"), ("/prod", "GET")):
        reply, sandbox = rest.serve(edge, config, None, path, method=method)
        assert (reply.status, reply.body) == MISSING
        assert reply.header("x-amzn-errortype") == "MissingAuthenticationTokenException"
        assert reply.header("x-amz-apigw-id")
        assert sandbox.lambda_.invocations == []


def test_unknown_path_with_a_bearer_token_is_read_as_a_bad_signature(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    config = rest.api(rest.resource("/chat"))
    reply, _ = rest.serve(edge, config, None, "/prod/other", headers={"authorization": "Bearer token"})
    assert reply.status == 403
    assert json.loads(reply.body)["message"].startswith("Invalid key=value pair (missing equal-sign)")
    assert reply.header("x-amzn-errortype") == "IncompleteSignatureException"


@pytest.mark.parametrize("path", ["/dev/chat", "/", "/chat"])
def test_unknown_stage_is_forbidden(edge: SimpleNamespace, rest: SimpleNamespace, path: str) -> None:
    reply, _ = rest.serve(edge, None, None, path)
    assert (reply.status, reply.body) == (403, b'{"message":"Forbidden"}')
    assert reply.header("x-amzn-errortype") == "ForbiddenException"


def test_request_over_10_mb_is_a_413(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    reply, sandbox = rest.serve(edge, None, None, method="POST", body=bytes(10 * 2**20 + 1))
    assert reply.status == 413
    assert reply.body.decode() == sandbox.limits.value("api_rest.error.too_large.body")
    assert reply.header("x-amzn-errortype") == "RequestTooLargeException"
    reply, _ = rest.serve(edge, None, rest.returns(rest.OK), method="POST", body=bytes(10 * 2**20))
    assert reply.status == 200


def test_what_is_not_emulated_says_so(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    uri = "arn:aws:apigateway:us-east-1:firehose:action/PutRecord"
    own = {"DEFAULT_5XX": {"statusCode": "503"}}
    config = rest.api(rest.resource("/chat", rest.method(type="AWS", uri=uri)), gateway_responses=own)
    reply, _ = rest.serve(edge, config)
    assert reply.status == 501
    assert "firehose" in json.loads(reply.body)["message"]


def test_method_without_integration_is_a_configuration_error(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    config = rest.api(rest.resource("/chat", rest.method(integration=None)))
    reply, _ = rest.serve(edge, config)
    assert reply.status == 500


# -- access


def signed(rest: SimpleNamespace, path: str = "/prod/chat", secret: str = "secret") -> dict[str, str]:
    request = AWSRequest("GET", f"https://{rest.HOST}{path}", headers={"host": rest.HOST})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))
        botocore.auth.SigV4Auth(Credentials("AKIA", secret), "execute-api", "us-east-1").add_auth(request)
    return {n: v for n, v in request.headers.items() if n.lower() != "host"}


def know(resource: str) -> Any:
    policy = {"Statement": {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}}
    arn = "arn:aws:iam::000000000000:user/ada"
    credential = Credential("AKIA", "secret", None, arn, policies=(policy,), user_id="AIDA1")

    def prepare(sandbox: Any) -> None:
        sandbox.control.credentials["AKIA"] = credential
        sandbox.lambda_.returns(b'{"statusCode":200}')

    return prepare


def test_iam_method_takes_a_signed_request_and_names_the_caller(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    config = rest.api(rest.resource("/chat", rest.method(authorization="AWS_IAM")))
    allowed = know("arn:aws:execute-api:us-east-1:000000000000:api1/prod/GET/chat")
    reply, sandbox = rest.serve(edge, config, allowed, headers=signed(rest))
    assert reply.status == 200
    identity = rest.event_of(sandbox)["requestContext"]["identity"]
    assert (identity["accessKey"], identity["accountId"]) == ("AKIA", "000000000000")
    assert (identity["caller"], identity["user"]) == ("AIDA1", "AIDA1")
    assert identity["userArn"] == "arn:aws:iam::000000000000:user/ada"


def test_iam_method_refuses_in_awss_words(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    config = rest.api(rest.resource("/chat", rest.method(authorization="AWS_IAM")))
    reply, _ = rest.serve(edge, config, know("*"))
    assert (reply.status, reply.body) == MISSING
    reply, _ = rest.serve(edge, config, know("*"), headers=signed(rest, secret="wrong"))
    assert (reply.status, reply.header("x-amzn-errortype")) == (403, "InvalidSignatureException")
    elsewhere = know("arn:aws:execute-api:us-east-1:000000000000:api1/prod/POST/chat")
    reply, _ = rest.serve(edge, config, elsewhere, headers=signed(rest))
    assert (reply.status, reply.header("x-amzn-errortype")) == (403, "AccessDeniedException")
    assert reply.body == (
        b'{"Message":"User: arn:aws:iam::000000000000:user/ada is not authorized to perform: execute-api:Invoke'
        b" on resource: arn:aws:execute-api:us-east-1:********0000:api1/prod/GET/chat because no"
        b' identity-based policy allows the execute-api:Invoke action"}'
    )


# -- gateway responses


def test_gateway_response_of_its_own_type_wins(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    own = {
        "INTEGRATION_TIMEOUT": {
            "statusCode": "599",
            "responseParameters": {
                "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
                "gatewayresponse.header.Retry-After": "'5'",
            },
            "responseTemplates": {
                "application/json": '{"m":$context.error.messageString,"t":"$context.error.responseType",'
                '"r":"$context.requestId","s":"${context.stage}","u":"$context.no.such"}'
            },
        },
        "DEFAULT_5XX": {"statusCode": "500"},
    }
    reply, _ = rest.serve(edge, rest.api(gateway_responses=own), rest.returns(rest.OK, after=60))
    assert reply.status == 599
    assert (reply.header("access-control-allow-origin"), reply.header("retry-after")) == ("*", "5")
    assert json.loads(reply.body) == {
        "m": "Endpoint request timed out",
        "t": "INTEGRATION_TIMEOUT",
        "r": reply.header("x-amzn-requestid"),
        "s": "prod",
        "u": "",
    }


def test_default_gateway_response_covers_its_class(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    own = {
        "DEFAULT_5XX": {"responseParameters": {"gatewayresponse.header.x-five": "'yes'"}},
        "DEFAULT_4XX": {
            "statusCode": "404",
            "responseTemplates": {"text/plain": "no: $context.error.message"},
        },
    }
    reply, _ = rest.serve(edge, rest.api(gateway_responses=own), rest.returns(rest.OK, after=60))
    assert (reply.status, reply.header("x-five")) == (504, "yes")
    assert reply.body == b'{"message": "Endpoint request timed out"}'
    config = rest.api(rest.resource("/chat"), gateway_responses=own)
    reply, _ = rest.serve(edge, config, None, "/prod/other")
    assert (reply.status, reply.body) == (404, b"no: Missing Authentication Token")
    assert reply.header("content-type") == "text/plain"


# -- client gone


def test_client_gone_is_noted_and_the_function_runs_on(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    reply, sandbox = rest.serve(edge, None, rest.returns(rest.OK, after=10.0), gone_after=3.0)
    assert [(e.name, e.at) for e in sandbox.timeline] == [("request_received", 0.0), ("client_gone", 3.0)]
    assert reply.status == 0


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (AwsError(429, "TooManyRequestsException", "Rate Exceeded."), 500),
        (AwsError(404, "ResourceNotFoundException", "Function not found"), 500),
    ],
)
def test_lambda_that_does_not_run_the_function_is_a_500(
    edge: SimpleNamespace, rest: SimpleNamespace, failure: AwsError, status: int
) -> None:
    reply, _ = rest.serve(edge, None, lambda sandbox: sandbox.lambda_.raises(failure))
    assert (reply.status, reply.body) == (status, INTERNAL)


def test_event_over_lambdas_limit_is_a_413(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    failure = AwsError(413, "RequestTooLargeException", "too large")
    reply, _ = rest.serve(edge, None, lambda sandbox: sandbox.lambda_.raises(failure))
    assert (reply.status, reply.body) == (413, b'{"message":"Request Too Long"}')
