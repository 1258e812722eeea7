"""Verification of URLs that S3's Signature Version 2 presigned: boto3's default in the regions that still take it.

The string to sign is botocore's ``HmacV1Auth`` (S3 developer guide, "Signing and authenticating REST requests");
which regions take it is in botocore's endpoints. AWS announced in June 2019 that buckets made after 24 June 2020
would not; its SDK still signs so for every bucket of these regions (botocore pull request 3791 of September 2026
documents it as the default "in regions where S3 supports it"), so the sandbox goes by the region alone.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult

from sandbox.auth.failures import failure, url_expired
from sandbox.auth.principal import Principal
from sandbox.auth.request import HEADER_ALGORITHM, SignedRequest
from sandbox.auth.sigv4 import Lookup, check_token
from sandbox.aws.errors import AwsError
from sandbox.clock import Clock

REGIONS = frozenset(
    (
        "us-east-1",
        "us-west-1",
        "us-west-2",
        "eu-west-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "sa-east-1",
    )
)
_EVER = timedelta(days=36_500)  # such a URL has an end and no beginning


async def verify_url(request: SignedRequest, region: str, lookup: Lookup, clock: Clock) -> Principal:
    """Who signed the URL (``?AWSAccessKeyId=&Signature=&Expires=``). Raises ``AwsError`` as S3 would refuse it."""
    if region not in REGIONS:
        message = "The authorization mechanism you have provided is not supported."
        raise AwsError(400, "InvalidRequest", f"{message} Please use {HEADER_ALGORITHM}.")
    access_key = request.query_value("AWSAccessKeyId") or ""
    credential = await lookup(access_key)
    if credential is None:
        raise failure("s3", "unknown_key", None, AWSAccessKeyId=access_key)
    check_token(request.query_value("x-amz-security-token"), credential, clock, "s3")
    expires = request.query_value("Expires") or ""
    _check_time(expires, clock)
    given = (request.query_value("Signature") or "").replace(" ", "+")  # a plus sign that nobody encoded
    if not any(hmac.compare_digest(given.encode(), one) for one in _expected(request, expires, credential)):
        raise failure("s3", "mismatch")
    return Principal.of(credential)


def _check_time(expires: str, clock: Clock) -> None:
    if not expires.isdecimal():
        raise AwsError(403, "AccessDenied", f"Invalid date (should be seconds since epoch): {expires}")
    try:
        end = datetime.fromtimestamp(int(expires), UTC)
        middle = end - _EVER
    except (OverflowError, OSError, ValueError):
        raise AwsError(
            403, "AccessDenied", f"Invalid date (should be seconds since epoch): {expires}"
        ) from None
    if not clock.accepts(middle, _EVER.total_seconds()):
        raise url_expired(end, clock.utcnow())


def _expected(request: SignedRequest, expires: str, credential: Any) -> list[bytes]:
    """The signatures that are right: the bucket is in the path, or it is the first label of the host."""
    from botocore.auth import HmacV1QueryAuth
    from botocore.compat import HTTPHeaders

    signer = HmacV1QueryAuth(credential)
    signer._get_date = lambda: expires
    bucket = (request.header("host") or "").partition(".")[0]
    split = SplitResult("https", "", request.path, request.query, "")
    found = []
    for path in (request.path, f"/{bucket}{request.path}"):
        headers = HTTPHeaders()
        for name, value in _signed_headers(request).items():
            headers[name] = value
        text = signer.canonical_string(request.method, split, headers, auth_path=path)
        found.append(signer.sign_string(text).encode())
    return found


def _signed_headers(request: SignedRequest) -> dict[str, str]:
    """``x-amz-...`` of the headers and of the query, which stands for headers; content type and digest."""
    names = {name.lower() for name, _ in request.headers} | {
        name.lower() for name, _ in request.query_pairs()
    }
    wanted = {one for one in names if one.startswith("x-amz-")} | {"content-type", "content-md5"}
    found = {name: request.header(name) or request.query_value(name) for name in wanted}
    return {name: value for name, value in found.items() if value is not None}
