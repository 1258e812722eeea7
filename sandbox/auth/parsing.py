"""Where a request says who signed it: the ``Authorization`` header or the query (presigned).

It says so completely or is refused. The messages are AWS's, from public reports of real answers.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC
from email.utils import parsedate_to_datetime
from hashlib import sha256

from sandbox.auth.failures import Family, failure
from sandbox.auth.request import ASYMMETRIC_ALGORITHM, HEADER_ALGORITHM, Scope, Signature, SignedRequest
from sandbox.aws.errors import AwsError, NotEmulatedError

STAMP = "%Y%m%dT%H%M%SZ"
# Services answer "... (20160117T015832Z - 5 min.)"; S3 answers MaxAllowedSkewMilliseconds 900000.
SKEW_S = 300
SKEW_S3_S = 900
# IoT's WebSockets are signed for 5 minutes whatever X-Amz-Expires says: a trace in issue 54 of
# odelot/aws-mqtt-websockets has 86400 there and a refusal as long as the one that ends in "- 5 min.)".
_OWN_LIFETIME = frozenset({"iotdevicegateway"})
_MAX_EXPIRES_S = 604_800  # 7 days: S3 API Reference, "Authenticating Requests: Using Query Parameters"


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
        SKEW_S if scope.service in _OWN_LIFETIME else _expires(request, family),
    )


def _expires(request: SignedRequest, family: Family) -> int:
    # Only S3 demands the parameter; the others have their usual window without it.
    text = request.query_value("X-Amz-Expires")
    if text is None and family != "s3":
        return SKEW_S
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
        return parsedate_to_datetime(text).astimezone(UTC).strftime(STAMP)
    except ValueError:
        message = f"Date must be in ISO-8601 'basic format'. Got '{text}'."
        raise failure(family, "incomplete", message) from None
