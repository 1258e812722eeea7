"""Verification of AWS Signature Version 4, in the header and in the query (presigned)."""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256

from sandbox.auth.canonical import canonical_requests, sign, string_to_sign
from sandbox.auth.credentials import Credential
from sandbox.auth.failures import Family, failure, family_of
from sandbox.auth.principal import Principal
from sandbox.auth.request import ASYMMETRIC_ALGORITHM, HEADER_ALGORITHM, Scope, Signature, SignedRequest
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.clock import Clock

Lookup = Callable[[str], Awaitable[Credential | None]]

_STAMP = "%Y%m%dT%H%M%SZ"
_MAX_EXPIRES_S = 604_800  # 7 days: S3 API Reference, "Authenticating Requests: Using Query Parameters"
# Services answer "... (20160117T015832Z - 5 min.)"; S3 answers MaxAllowedSkewMilliseconds 900000.
_SKEW_S = 300
_SKEW_S3_S = 900


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
    credential = await lookup(signature.scope.access_key)
    if credential is None:
        if family == "s3":
            raise failure(family, "unknown_key", None, AWSAccessKeyId=signature.scope.access_key)
        raise failure(family, "unknown_key")
    _check_token(signature, credential, clock, family)
    _check_scope(signature, service, region, family)
    _check_time(signature, clock, family)
    _check_body(request, family)
    _check_signature(request, signature, credential, service, family)
    return Principal.of(credential)


def parse(request: SignedRequest, family: Family) -> Signature:
    """Where the request says who signed it and how. Raises when it does not say so completely."""
    algorithm = request.query_value("X-Amz-Algorithm")
    header = request.header("authorization")
    if algorithm is not None:
        return _parse_query(request, algorithm, family)
    if header is None:
        raise failure(family, "missing")
    return _parse_header(request, header, family)


def _refuse_algorithm(algorithm: str, family: Family) -> None:
    if algorithm == ASYMMETRIC_ALGORITHM:
        raise NotEmulatedError(f"Signature Version 4A ({ASYMMETRIC_ALGORITHM}); sign with {HEADER_ALGORITHM}")
    if family == "s3" and algorithm in ("AWS", "AWS4"):
        raise AwsError(
            400,
            "InvalidRequest",
            f"The authorization mechanism you have provided is not supported. Please use {HEADER_ALGORITHM}.",
        )


def _parse_header(request: SignedRequest, header: str, family: Family) -> Signature:
    algorithm, _, rest = header.partition(" ")
    _refuse_algorithm(algorithm, family)
    fields: dict[str, str] = {}
    for piece in re.split(r"[,\s]+", rest if algorithm == HEADER_ALGORITHM else header):
        name, equal, value = piece.partition("=")
        if piece and not equal and algorithm == HEADER_ALGORITHM:
            raise failure(family, "incomplete", _missing_equal(header))
        fields[name] = value
    missing = [n for n in ("Credential", "Signature", "SignedHeaders") if not fields.get(n)]
    stamp = request.header("x-amz-date") or request.header("date")
    if algorithm != HEADER_ALGORITHM and " " in header and "=" not in rest.rstrip("="):
        raise failure(family, "incomplete", _missing_equal(header))
    if missing or stamp is None:
        sentences = [f"Authorization header requires '{name}' parameter." for name in missing]
        if stamp is None:
            sentences.append(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
            )
        raise failure(family, "incomplete", " ".join([*sentences, f"Authorization={header}"]))
    scope = Scope.parse(fields["Credential"])
    if scope is None:
        raise failure(family, "incomplete", _bad_credential(fields["Credential"]))
    return Signature(
        scope,
        _names(fields["SignedHeaders"], family),
        fields["Signature"],
        _stamp(stamp, family),
        request.header("x-amz-security-token"),
        None,
    )


def _parse_query(request: SignedRequest, algorithm: str, family: Family) -> Signature:
    _refuse_algorithm(algorithm, family)
    wanted = ("X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")
    found = {name: request.query_value(name) or "" for name in wanted}
    missing = [name for name in wanted if not found[name]]
    if algorithm != HEADER_ALGORITHM or missing:
        sentences = [f"AWS query-string parameters must include '{name}'." for name in missing]
        text = " ".join(sentences) or f"Unsupported AWS 'algorithm': '{algorithm}'."
        raise failure(family, "incomplete", text)
    scope = Scope.parse(found["X-Amz-Credential"])
    if scope is None:
        raise failure(family, "incomplete", _bad_credential(found["X-Amz-Credential"]))
    return Signature(
        scope,
        _names(found["X-Amz-SignedHeaders"], family),
        found["X-Amz-Signature"],
        _stamp(found["X-Amz-Date"], family),
        request.query_value("X-Amz-Security-Token"),
        _expires(request, family),
    )


def _expires(request: SignedRequest, family: Family) -> int:
    # Only S3 demands the parameter; the others have their usual window without it.
    text = request.query_value("X-Amz-Expires")
    if text is None and family != "s3":
        return _SKEW_S
    if text is None or not text.isdecimal() or not 0 < int(text) <= _MAX_EXPIRES_S:
        message = "X-Amz-Expires must be a number of seconds from 1 to 604800 (one week)"
        raise AwsError(400, "AuthorizationQueryParametersError", message)
    return int(text)


def _missing_equal(header: str) -> str:
    digest = b64encode(sha256(header.encode()).digest()).decode()
    return (
        "Invalid key=value pair (missing equal-sign) in Authorization header"
        f" (hashed with SHA-256 and encoded with Base64): '{digest}'."
    )


def _bad_credential(text: str) -> str:
    return f"Credential must have at least 5 slash-delimited elements, not '{text}'."


def _names(text: str, family: Family) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in text.split(";"))
    if "host" not in names and ":authority" not in names:
        message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        raise failure(family, "mismatch", message)
    return names


def _stamp(text: str, family: Family) -> str:
    if re.fullmatch(r"\d{8}T\d{6}Z", text):
        return text
    try:
        return parsedate_to_datetime(text).astimezone(UTC).strftime(_STAMP)
    except ValueError:
        message = f"Date must be in ISO-8601 'basic format'. Got '{text}'."
        raise failure(family, "incomplete", message) from None


def _check_token(signature: Signature, credential: Credential, clock: Clock, family: Family) -> None:
    if (signature.token or None) != (credential.session_token or None):
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
        signed = datetime.strptime(signature.timestamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        message = f"Date must be in ISO-8601 'basic format'. Got '{signature.timestamp}'."
        raise failure(family, "incomplete", message) from None
    skew = _SKEW_S3_S if family == "s3" else _SKEW_S
    lifetime = skew if signature.expires_s is None else signature.expires_s
    # Valid from skew before the stamp to its lifetime after it: a window around their middle, for a clock
    # that takes the sandbox's date as well as the real one.
    middle = signed + timedelta(seconds=(lifetime - skew) / 2)
    if clock.accepts(middle, (lifetime + skew) / 2):
        return
    now = clock.utcnow()
    if family == "s3":
        if signature.expires_s is not None:
            text = "Request has expired" if signed < now else "Request is not valid yet"
            raise AwsError(403, "AccessDenied", text)
        raise failure(
            family,
            "skew",
            RequestTime=signature.timestamp,
            ServerTime=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            MaxAllowedSkewMilliseconds=str(skew * 1000),
        )
    stamp, today = signature.timestamp, now.strftime(_STAMP)
    if signed < now:
        edge = (now - timedelta(seconds=lifetime)).strftime(_STAMP)
        text = f"Signature expired: {stamp} is now earlier than {edge} ({today} - {lifetime // 60} min.)"
    else:
        edge = (now + timedelta(seconds=skew)).strftime(_STAMP)
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
