"""Which AWS service, Region and operation a management request means.

Asked in this order: the credential scope (header or presigned URL), the host, ``X-Amz-Target``, a form's
``Action``, the path. Services are named as botocore names them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from sandbox.auth.request import SignedRequest, scope_of
from sandbox.control.message import Request

# Signing names and host names that differ from botocore's name of the service.
ALIASES = {
    "monitoring": "cloudwatch",
    "elasticloadbalancing": "elbv2",
    "states": "stepfunctions",
    "email": "ses",
    "servicequotas": "service-quotas",
    "tagging": "resourcegroupstaggingapi",
    "streams.dynamodb": "dynamodbstreams",
    "iotdata": "iot-data",
    "data-ats.iot": "iot-data",
    "data.iot": "iot-data",
    "eventbridge": "events",
    "aps": "amp",
    "api.ecr": "ecr",
    "bedrock-runtime": "bedrock-runtime",
    "elasticfilesystem": "efs",
    "autoscaling": "autoscaling",
    "application-autoscaling": "application-autoscaling",
}

# X-Amz-Target prefixes of requests that are not signed (the others carry a credential scope).
TARGETS = {
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "AWSCognitoIdentityService": "cognito-identity",
    "DynamoDBStreams_20120810": "dynamodbstreams",
    "DynamoDB_20120810": "dynamodb",
    "AmazonSQS": "sqs",
    "Logs_20140328": "logs",
    "AmazonSSM": "ssm",
    "secretsmanager": "secretsmanager",
    "AWSEvents": "events",
    "ServiceQuotasV20190624": "service-quotas",
    "AmazonEC2ContainerServiceV20141113": "ecs",
}

# Unsigned form actions.
ACTIONS = {
    "AssumeRoleWithSAML": "sts",
    "AssumeRoleWithWebIdentity": "sts",
}

# Lambda's paths begin with the date of the API's version.
_LAMBDA = (
    r"^/20\d\d-\d\d-\d\d/(functions|layers|layers-by-arn|tags|account-settings|event-source-mappings)(/|$)"
)
PATHS = (
    (re.compile(_LAMBDA), "lambda"),
    (re.compile(r"^/restapis(/|$)"), "apigateway"),
    (re.compile(r"^/v1/(apis|domainnames|dataplane-evaluate|mergedApis|sourceApis)"), "appsync"),
    (re.compile(r"^/[a-z0-9-]+_[A-Za-z0-9]+/\.well-known/"), "cognito-idp"),
)

_AWS_HOST = re.compile(
    r"^(?P<rest>.+?)(\.(?P<region>[a-z]{2}(-[a-z]+)+-\d))?\.(amazonaws\.com(\.cn)?|localhost)$"
)
_S3_HOST = re.compile(
    r"^((?P<bucket>.+)\.)?s3[.-]?(?P<region>[a-z]{2}(-[a-z]+)+-\d)?\.(amazonaws\.com|localhost)$"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A service by botocore's name, and the Region. ``bucket``: named by the host, as S3 has it."""

    service: str
    region: str
    bucket: str | None = None
    access_key: str | None = None


def identify(request: Request, default_region: str) -> Target | None:
    """The service that a request means, or ``None`` when nothing in it tells."""
    host = _hostname(request.host)
    scope = scope_of(SignedRequest(request.method, request.path, request.query, request.headers, None))
    s3 = _S3_HOST.match(host)
    if scope is not None:
        region = scope.region or default_region
        service = _narrow(ALIASES.get(scope.service, scope.service), request, host)
        bucket = s3["bucket"] if s3 and service == "s3" else None
        return Target(service, region, bucket, scope.access_key)
    if s3:
        return Target("s3", s3["region"] or default_region, s3["bucket"])
    by_host = _AWS_HOST.match(host)
    if by_host:
        named = ALIASES.get(by_host["rest"], by_host["rest"])
        return Target(_narrow(named, request, host), by_host["region"] or default_region)
    service_by_content = _by_content(request)
    return Target(service_by_content, default_region) if service_by_content else None


def _hostname(host: str) -> str:
    """The host without its port, lower case."""
    name = host.lower()
    return name.rsplit(":", 1)[0] if ":" in name and not name.endswith("]") else name


def _narrow(service: str, request: Request, host: str) -> str:
    """Tell services apart that share a signing name."""
    if service == "apigateway" and request.path.startswith("/v2/"):
        return "apigatewayv2"
    if service == "dynamodb" and (request.header("x-amz-target") or "").startswith("DynamoDBStreams"):
        return "dynamodbstreams"
    if service == "s3" and (request.path.startswith("/v20180820/") or "s3-control" in host):
        return "s3control"
    if service == "ses" and request.path.startswith("/v2/"):
        return "sesv2"
    if service == "bedrock" and request.path.startswith(("/model/", "/guardrail/", "/async-invoke")):
        return "bedrock-runtime"
    if service == "elbv2" and form(request).get("Version") == "2012-06-01":
        return "elb"
    return service


def _by_content(request: Request) -> str | None:
    prefix = (request.header("x-amz-target") or "").rpartition(".")[0]
    if prefix:
        return TARGETS.get(prefix)
    action = form(request).get("Action", "")
    if action:
        return ACTIONS.get(action)
    if "AWSAccessKeyId=" in request.query and "Signature=" in request.query:
        return "s3"  # a URL presigned by Signature Version 2
    return next((service for pattern, service in PATHS if pattern.match(request.path)), None)


def form(request: Request) -> dict[str, str]:
    """The fields of a form or of the query string; empty when the body is something else."""
    text = _form_text(request)
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


def _form_text(request: Request) -> str:
    if (request.header("content-type") or "").startswith("application/x-www-form-urlencoded"):
        return request.body.decode("utf-8", "replace")
    return request.query


def operation_hint(request: Request) -> str:
    """A name for the operation, for messages, that needs no service model: ``Invoke`` or ``PUT /path``."""
    target = request.header("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    return _action(request) or f"{request.method} {request.path}"


_PLAIN_ACTION = re.compile(r"(?:^|&)Action=(\w+)(?:&|$)")


def _action(request: Request) -> str | None:
    """The form's ``Action``. Clients write it plainly, so that the other fields need not be read."""
    found = _PLAIN_ACTION.search(_form_text(request))
    return found[1] if found else form(request).get("Action")
