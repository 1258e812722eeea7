"""How AWS refuses a badly signed request. The same fact has another name in each family of protocols.

Seen in reports of real answers: 403 and ``InvalidSignatureException`` from REST-JSON services (Lambda),
400 from JSON services (Kinesis, ECR), ``SignatureDoesNotMatch`` 403 from Query services (ELB, Route 53); the
window of 5 minutes in the text ``(20160117T015832Z - 5 min.)``; S3's codes are those of its API reference,
"Error responses".
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sandbox.aws.errors import AwsError

Family = Literal["rest-json", "json", "query", "ec2", "s3"]

Fault = Literal["missing", "incomplete", "unknown_key", "bad_token", "expired_token", "mismatch", "skew"]

_JSON_SERVICES = frozenset(
    (
        "acm",
        "application-autoscaling",
        "athena",
        "batch-json",
        "cloudtrail",
        "codebuild",
        "cognito-identity",
        "cognito-idp",
        "dynamodb",
        "ecr",
        "ecs",
        "elastic-inference",
        "events",
        "firehose",
        "glue",
        "kinesis",
        "kms",
        "logs",
        "organizations",
        "rekognition",
        "sagemaker",
        "secretsmanager",
        "servicediscovery",
        "sqs",
        "ssm",
        "states",
        "tagging",
        "transcribe",
        "wafv2",
    )
)
_QUERY_SERVICES = frozenset(
    (
        "autoscaling",
        "cloudformation",
        "elasticache",
        "elasticloadbalancing",
        "iam",
        "monitoring",
        "rds",
        "redshift",
        "ses",
        "sns",
        "sts",
    )
)

_INVALID_TOKEN = "The security token included in the request is invalid."
_EXPIRED_TOKEN = "The security token included in the request is expired"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
    " Access Key and signing method. Consult the service documentation for details."
)

# fault -> (status, code, default message)
_REST_JSON: dict[Fault, tuple[int, str, str]] = {
    "missing": (403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    "incomplete": (403, "IncompleteSignatureException", "Incomplete signature"),
    "unknown_key": (403, "UnrecognizedClientException", _INVALID_TOKEN),
    "bad_token": (403, "UnrecognizedClientException", _INVALID_TOKEN),
    "expired_token": (403, "ExpiredTokenException", _EXPIRED_TOKEN),
    "mismatch": (403, "InvalidSignatureException", _MISMATCH),
    "skew": (403, "InvalidSignatureException", "Signature expired"),
}
_JSON: dict[Fault, tuple[int, str, str]] = {
    fault: (400, code, message) for fault, (_, code, message) in _REST_JSON.items()
} | {"missing": (400, "MissingAuthenticationTokenException", "Request is missing Authentication Token")}
_QUERY: dict[Fault, tuple[int, str, str]] = {
    "missing": (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
    "incomplete": (400, "IncompleteSignature", "Incomplete signature"),
    "unknown_key": (403, "InvalidClientTokenId", _INVALID_TOKEN),
    "bad_token": (403, "InvalidClientTokenId", _INVALID_TOKEN),
    "expired_token": (403, "ExpiredToken", _EXPIRED_TOKEN),
    "mismatch": (403, "SignatureDoesNotMatch", _MISMATCH),
    "skew": (403, "SignatureDoesNotMatch", "Signature expired"),
}
_EC2_UNKNOWN = (401, "AuthFailure", "AWS was not able to validate the provided access credentials")
_EC2: dict[Fault, tuple[int, str, str]] = _QUERY | {"unknown_key": _EC2_UNKNOWN, "bad_token": _EC2_UNKNOWN}
_S3: dict[Fault, tuple[int, str, str]] = {
    "missing": (403, "AccessDenied", "Access Denied"),
    "incomplete": (400, "AuthorizationHeaderMalformed", "The authorization header is malformed."),
    "unknown_key": (
        403,
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    "bad_token": (400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
    "expired_token": (400, "ExpiredToken", "The provided token has expired."),
    "mismatch": (
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and"
        " signing method.",
    ),
    "skew": (
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
    ),
}
_TABLES: dict[Family, dict[Fault, tuple[int, str, str]]] = {
    "rest-json": _REST_JSON,
    "json": _JSON,
    "query": _QUERY,
    "ec2": _EC2,
    "s3": _S3,
}


def family_of(service: str) -> Family:
    """The family of a service by its signing name; REST-JSON when nothing else is known."""
    if service in ("s3", "s3express", "s3-object-lambda"):
        return "s3"
    if service == "ec2":
        return "ec2"
    if service in _QUERY_SERVICES:
        return "query"
    return "json" if service in _JSON_SERVICES else "rest-json"


def failure(family: Family, fault: Fault, message: str | None = None, **fields: object) -> AwsError:
    """The error of a fault. ``message`` replaces the family's default; ``fields`` are further members."""
    status, code, default = _TABLES[family][fault]
    return AwsError(status, code, message or default, fields=dict(fields))


def url_expired(end: datetime, now: datetime, **more: object) -> AwsError:
    """S3's refusal of a URL whose time is over (aws-sdk-js issue 3493; aws-sdk-php issue 1333)."""
    times = {"Expires": end, "ServerTime": now}
    fields = {name: time.strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in times.items()}
    return AwsError(403, "AccessDenied", "Request has expired", fields={**more, **fields})
