"""Which service a request means."""

from __future__ import annotations

import pytest

from sandbox.control.message import Request
from sandbox.control.target import Target, identify, operation_hint


def request(
    host: str = "localhost:4566", path: str = "/", query: str = "", body: str = "", **headers: str
) -> Request:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request("POST", host, path, query, named, body.encode())


def signed(service: str, region: str = "eu-west-1") -> str:
    scope = f"AKID/20261124/{region}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("given", "service", "region"),
    [
        (request(authorization=signed("lambda")), "lambda", "eu-west-1"),
        (
            request(query="X-Amz-Credential=AKID%2F20261124%2Feu-west-1%2Fs3%2Faws4_request"),
            "s3",
            "eu-west-1",
        ),
        (request(authorization=signed("monitoring")), "cloudwatch", "eu-west-1"),
        (request(authorization=signed("apigateway"), path="/restapis"), "apigateway", "eu-west-1"),
        (request(authorization=signed("apigateway"), path="/v2/apis"), "apigatewayv2", "eu-west-1"),
        (request(authorization=signed("bedrock"), path="/model/m/converse"), "bedrock-runtime", "eu-west-1"),
        (
            request(authorization=signed("dynamodb"), x_amz_target="DynamoDBStreams_20120810.ListStreams"),
            "dynamodbstreams",
            "eu-west-1",
        ),
        (
            request(
                authorization=signed("elasticloadbalancing"),
                content_type=FORM,
                body="Action=DescribeLoadBalancers&Version=2012-06-01",
            ),
            "elb",
            "eu-west-1",
        ),
        (request(authorization=signed("elasticloadbalancing")), "elbv2", "eu-west-1"),
        (request("sqs.us-west-2.amazonaws.com"), "sqs", "us-west-2"),
        (request("sts.amazonaws.com"), "sts", "us-east-1"),
        (request("sqs.eu-central-1.localhost:4566"), "sqs", "eu-central-1"),
        (request(x_amz_target="AWSCognitoIdentityProviderService.InitiateAuth"), "cognito-idp", "us-east-1"),
        (request(body="Action=AssumeRoleWithWebIdentity", content_type=FORM), "sts", "us-east-1"),
        (request(path="/2015-03-31/functions/chat/invocations"), "lambda", "us-east-1"),
        (request(query="AWSAccessKeyId=A&Signature=B&Expires=1", path="/bucket/key"), "s3", "us-east-1"),
    ],
)
def test_identify(given: Request, service: str, region: str) -> None:
    found = identify(given, "us-east-1")
    assert found is not None
    assert (found.service, found.region) == (service, region)


@pytest.mark.parametrize(
    ("host", "bucket", "region"),
    [
        ("s3.localhost:4566", None, "us-east-1"),
        ("models.s3.localhost:4566", "models", "us-east-1"),
        ("my.models.s3.eu-west-1.amazonaws.com", "my.models", "eu-west-1"),
        ("s3-eu-west-1.amazonaws.com", None, "eu-west-1"),
        ("models.s3.amazonaws.com", "models", "us-east-1"),
    ],
)
def test_buckets_in_the_host(host: str, bucket: str | None, region: str) -> None:
    assert identify(request(host), "us-east-1") == Target("s3", region, bucket)


def test_nothing_tells() -> None:
    assert identify(request(path="/index.html"), "us-east-1") is None
    assert identify(request(x_amz_target="Unknown.Operation"), "us-east-1") is None


def test_operation_hints() -> None:
    assert operation_hint(request(x_amz_target="AmazonSQS.SendMessage")) == "SendMessage"
    assert operation_hint(request(body="Action=Publish&A=1", content_type=FORM)) == "Publish"
    assert operation_hint(request(path="/restapis")) == "POST /restapis"
