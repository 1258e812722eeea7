"""The presigned S3 address to which a custom resource answers."""

from __future__ import annotations

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_EXPIRES_S = 7_200


def bucket_name(region: str) -> str:
    """AWS's own bucket for the answers of a Region."""
    return f"cloudformation-custom-resource-response-{region.replace('-', '')}"


def presign(bucket: str, key: str, region: str) -> str:
    """A URL to which one object can be PUT."""
    request = AWSRequest("PUT", f"https://{bucket}.s3.amazonaws.com/{key}")
    S3SigV4QueryAuth(Credentials("test", "test"), "s3", region, expires=_EXPIRES_S).add_auth(request)
    return str(request.url)
