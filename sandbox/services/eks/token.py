"""Who asks: a bearer token as ``aws eks get-token`` makes it, a presigned ``GetCallerIdentity`` in base64.

Source: kubernetes-sigs/aws-iam-authenticator, pkg/token: the prefix, the header with the cluster's name that must be
signed, and 15 minutes from the signature's date, whatever the URL says.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import urlsplit

from sandbox.auth import Principal, SignedRequest, verify
from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox

_PREFIX = "k8s-aws-v1."
_HEADER = "x-k8s-aws-id"
_LONGEST = 4096  # bytes of a token


class UnauthorizedError(Exception):
    """Nobody is known by the token; the text says why, and is not for the client."""


async def caller(sandbox: Sandbox, authorization: str, cluster: str) -> Principal:
    """Who made the token, for this cluster. Raises :class:`UnauthorizedError`."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.startswith(_PREFIX) or len(token) > _LONGEST:
        raise UnauthorizedError("no token of aws eks get-token")
    encoded = token.removeprefix(_PREFIX)
    try:
        url = urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
    except (binascii.Error, ValueError) as error:
        raise UnauthorizedError(f"the token is no address: {error}") from error
    headers = (("host", url.netloc), (_HEADER, cluster))
    request = SignedRequest("GET", url.path or "/", url.query, headers, b"")
    _check(request)
    control: Any = sandbox.control
    try:
        return await verify(request, "sts", None, control.secret_for, sandbox.clock)
    except AwsError as error:
        raise UnauthorizedError(error.message) from error


def _check(request: SignedRequest) -> None:
    if request.query_value("Action") != "GetCallerIdentity" or request.path != "/":
        raise UnauthorizedError("the address in the token is not that of GetCallerIdentity")
    signed = (request.query_value("X-Amz-SignedHeaders") or "").lower().split(";")
    if _HEADER not in signed:
        raise UnauthorizedError(f"the token does not sign {_HEADER}")
    expires = request.query_value("X-Amz-Expires") or ""
    if not expires.isdigit() or int(expires) > 900:
        raise UnauthorizedError(f"the token's X-Amz-Expires is {expires!r}")
