"""AWS Signature Version 4 for a story's own requests, made by botocore."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from sandbox.stories.base import Strict

if TYPE_CHECKING:
    import httpx

_SERVICES = {"lambda-url": "lambda", "execute-api": "execute-api", "lambda": "lambda"}

_SIGNED = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-SHA256")


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
    kind = request.headers.get("content-type")
    given = {"host": request.headers["host"]} | ({} if kind is None else {"content-type": kind})
    headers = signed_headers(request.method, str(request.url), how, region, given, request.content)
    for name, value in headers.items():
        request.headers[name] = value


def signed_headers(
    method: str,
    url: str,
    how: Sign,
    region: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> dict[str, str]:
    """The headers that sign a request; ``headers``: those of its own that are signed."""
    from botocore.auth import SigV4Auth  # 0.1 s, which whoever only reads stories need not wait for
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    signature = Signature() if how == "aws_iam" else how
    assert isinstance(signature, Signature)
    parts = urlsplit(url)
    aws = AWSRequest(method, url, headers={"host": parts.netloc, **(headers or {})}, data=body)
    credentials = Credentials(signature.access_key, signature.secret_key, signature.token)
    service = signature.service or service_of(parts.hostname or "")
    SigV4Auth(credentials, service, signature.region or region).add_auth(aws)
    return {name: str(aws.headers[name]) for name in _SIGNED if name in aws.headers}
