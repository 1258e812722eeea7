"""AWS Signature Version 4 for a story's own requests, made by botocore."""

from __future__ import annotations

from typing import Literal

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.stories.base import Strict

_SERVICES = {"lambda-url": "lambda", "execute-api": "execute-api", "lambda": "lambda"}


class Signature(Strict):
    """Who signs, and for what. The sandbox's own credentials by default."""

    service: str | None = None  # default: told by the host
    region: str | None = None
    access_key: str = "test"
    secret_key: str = "test"
    token: str | None = None


Sign = Literal["aws_iam"] | Signature


def service_of(host: str) -> str:
    """The signing name behind a host name: ``<id>.lambda-url.<region>.on.aws`` is signed for ``lambda``."""
    for label in host.split("."):
        if label in _SERVICES:
            return _SERVICES[label]
    return "execute-api"


def sign(request: httpx.Request, how: Sign, region: str) -> None:
    """Add the signature's headers to a request whose URL still has the AWS host name."""
    signature = Signature() if how == "aws_iam" else how
    assert isinstance(signature, Signature)
    headers = {"content-type": request.headers["content-type"]} if "content-type" in request.headers else {}
    aws = AWSRequest(request.method, str(request.url), headers=headers, data=request.content)
    aws.headers["host"] = request.headers["host"]
    credentials = Credentials(signature.access_key, signature.secret_key, signature.token)
    service = signature.service or service_of(request.url.host)
    SigV4Auth(credentials, service, signature.region or region).add_auth(aws)
    for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-SHA256"):
        if name in aws.headers:
            request.headers[name] = str(aws.headers[name])
