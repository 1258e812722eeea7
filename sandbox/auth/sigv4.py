"""Verification of AWS Signature Version 4, in the header and in the query (presigned)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sandbox.auth.canonical import canonical_requests, sign, string_to_sign
from sandbox.auth.credentials import Credential
from sandbox.auth.failures import Family, failure, family_of, url_expired
from sandbox.auth.parsing import SKEW_S, SKEW_S3_S, STAMP, parse
from sandbox.auth.principal import Principal
from sandbox.auth.request import Signature, SignedRequest
from sandbox.aws.errors import AwsError
from sandbox.clock import Clock

# A presigned URL of STS is good for 15 minutes, whatever it says (kubernetes-sigs/aws-iam-authenticator, pkg/token).
STS_URL_S = 900
Lookup = Callable[[str], Awaitable[Credential | None]]


async def verify(
    request: SignedRequest,
    service: str,
    region: str | None,
    lookup: Lookup,
    clock: Clock,
    *,
    family: Family | None = None,
) -> Principal:
    """Who signed the request. Raises ``AwsError`` as AWS would refuse it.

    ``service``: the signing name (``lambda``, ``execute-api``). ``region``: the region the endpoint is in;
    ``None`` when the address says none, then any is taken. ``family``: how errors are named; by default that
    of the service.
    """
    family = family or family_of(service)
    signature = parse(request, family)
    if service == "sts" and signature.expires_s is not None:
        signature = replace(signature, expires_s=STS_URL_S)
    credential = await lookup(signature.scope.access_key)
    if credential is None:
        if family == "s3":
            raise failure(family, "unknown_key", None, AWSAccessKeyId=signature.scope.access_key)
        raise failure(family, "unknown_key")
    check_token(signature.token, credential, clock, family)
    _check_scope(signature, service, region, family)
    _check_time(signature, clock, family)
    _check_body(request, family)
    _check_signature(request, signature, credential, service, family)
    return Principal.of(credential)


def check_token(token: str | None, credential: Credential, clock: Clock, family: Family) -> None:
    """Refuse a session token that is not the credential's, or one that has ended."""
    if (token or None) != (credential.session_token or None):
        raise failure(family, "bad_token")
    if credential.expires is not None and clock.utcnow() >= credential.expires:
        raise failure(family, "expired_token")


def _check_scope(signature: Signature, service: str, region: str | None, family: Family) -> None:
    scope = signature.scope
    wrong = []
    if region is not None and scope.region != region:
        wrong.append(f"Credential should be scoped to a valid region, not '{scope.region}'. ")
    if scope.service != service:
        wrong.append(f"Credential should be scoped to correct service: '{service}'. ")
    if scope.date != signature.timestamp[:8]:
        wrong.append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP:"
            f" '{scope.date}' != '{signature.timestamp[:8]}', from '{signature.timestamp}'."
        )
    if wrong:
        raise failure(family, "mismatch" if family != "s3" else "incomplete", "".join(wrong))


def _check_time(signature: Signature, clock: Clock, family: Family) -> None:
    try:
        signed = datetime.strptime(signature.timestamp, STAMP).replace(tzinfo=UTC)
    except ValueError:
        message = f"Date must be in ISO-8601 'basic format'. Got '{signature.timestamp}'."
        raise failure(family, "incomplete", message) from None
    skew = SKEW_S3_S if family == "s3" else SKEW_S
    lifetime = skew if signature.expires_s is None else signature.expires_s
    # Valid from skew before the stamp to its lifetime after it: a window around their middle, for a clock
    # that takes the sandbox's date as well as the real one.
    middle = signed + timedelta(seconds=(lifetime - skew) / 2)
    if clock.accepts(middle, (lifetime + skew) / 2):
        return
    now = clock.utcnow()
    if family == "s3":
        if signature.expires_s is not None:
            if signed > now:
                raise AwsError(403, "AccessDenied", "Request is not valid yet")
            more = {"X-Amz-Expires": lifetime}
            raise url_expired(signed + timedelta(seconds=lifetime), now, **more)
        raise failure(
            family,
            "skew",
            RequestTime=signature.timestamp,
            ServerTime=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            MaxAllowedSkewMilliseconds=str(skew * 1000),
        )
    stamp, today = signature.timestamp, now.strftime(STAMP)
    if signed < now:
        edge = (now - timedelta(seconds=lifetime)).strftime(STAMP)
        text = f"Signature expired: {stamp} is now earlier than {edge} ({today} - {lifetime // 60} min.)"
    else:
        edge = (now + timedelta(seconds=skew)).strftime(STAMP)
        text = f"Signature not yet current: {stamp} is still later than {edge} ({today} + {skew // 60} min.)"
    raise failure(family, "skew", text)


def _check_body(request: SignedRequest, family: Family) -> None:
    """S3 says by name when the body is not the one whose hash was signed; the others only see a mismatch."""
    claimed = request.header("x-amz-content-sha256")
    if family != "s3" or claimed is None or request.body is None or not re.fullmatch("[0-9a-f]{64}", claimed):
        return
    actual = sha256(request.body).hexdigest()
    if actual != claimed:
        raise AwsError(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            fields={"ClientComputedContentSHA256": claimed, "S3ComputedContentSHA256": actual},
        )


def _check_signature(
    request: SignedRequest, signature: Signature, credential: Credential, service: str, family: Family
) -> None:
    readings = canonical_requests(request, signature, service)
    for reading in readings:
        expected = sign(credential.secret_key, signature, string_to_sign(reading, signature))
        if hmac.compare_digest(expected, signature.signature.lower().encode("ascii", "replace").decode()):
            return
    raise failure(family, "mismatch")
