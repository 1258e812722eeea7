"""The judge is botocore's signer: what it signs is verified, and nothing else is."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox import clock as clocks
from sandbox.auth import Credential, Principal, SignedRequest, scope_of, verify
from sandbox.aws.errors import AwsError, NotEmulatedError

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
USER = Credential("AKIAEXAMPLE", "secret/key+", None, "arn:aws:iam::000000000000:user/ada", user_id="AIDAX")
SESSION = Credential(
    "ASIAEXAMPLE",
    "other",
    "to/ken==",
    "arn:aws:sts::000000000000:assumed-role/r/s",
    expires=NOW + timedelta(hours=1),
)


async def lookup(access_key: str) -> Credential | None:
    return {c.access_key: c for c in (USER, SESSION)}.get(access_key)


def signed(
    signer: str,
    url: str,
    method: str = "GET",
    body: bytes = b"",
    service: str = "lambda",
    headers: dict[str, str] | None = None,
    credential: Credential = USER,
    at: datetime = NOW,
    **options: Any,
) -> SignedRequest:
    request = AWSRequest(method, url, headers=headers or {}, data=body)
    request.context["client_config"] = None
    keys = Credentials(credential.access_key, credential.secret_key, credential.session_token)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: at)
        getattr(botocore.auth, signer)(keys, service, "us-east-1", **options).add_auth(request)
    parts = urlsplit(request.url)
    sent = [(name, str(value)) for name, value in request.headers.items()]
    if not any(name.lower() == "host" for name, _ in sent):
        sent.append(("Host", parts.netloc))
    return SignedRequest(method, parts.path, parts.query, tuple(sent), body)


def check(request: SignedRequest, service: str = "lambda", region: str | None = "us-east-1") -> Principal:
    async def main(clock: clocks.Clock) -> Principal:
        return await verify(request, service, region, lookup, clock)

    return clocks.run(main, start=NOW)


def refusal(request: SignedRequest, service: str = "lambda", **options: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        check(request, service, **options)
    return caught.value


URL = "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/f/invocations"


def random_requests(signer: str, encode_path: Callable[[str], str], service: str, n: int) -> None:
    rng = random.Random(signer)
    letters = "abzAZ09-_.~ /?#&=+%:;,@!$'()*é€\"<>[]\\"
    for _ in range(n):
        path = "/" + "/".join("".join(rng.choices(letters, k=rng.randint(0, 8))) for _ in range(3))
        names = ["".join(rng.choices(letters, k=rng.randint(1, 6))) for _ in range(rng.randint(0, 5))]
        # The presigner reads the query into a dict: no name twice there.
        names = list(dict.fromkeys(names)) if "Query" in signer else names + names[:1]
        query = "&".join(
            f"{quote(n, safe='-_.~')}={quote(''.join(rng.choices(letters, k=3)), safe='-_.~')}" for n in names
        )
        url = f"https://h.example.com{encode_path(path)}" + (f"?{query}" if query else "")
        request = signed(
            signer,
            url,
            rng.choice(["GET", "POST", "PUT"]),
            rng.randbytes(rng.randint(0, 50)) if "Query" not in signer else b"",
            service,
            {"X-Custom": "  a   b ", "Content-Type": "text/plain"},
            rng.choice([USER, SESSION]),
        )
        assert check(request, service).access_key in ("AKIAEXAMPLE", "ASIAEXAMPLE")
        spoiled = replace(request, path=request.path + "x")
        assert refusal(spoiled, service).code in ("InvalidSignatureException", "SignatureDoesNotMatch")


@pytest.mark.parametrize("signer", ["SigV4Auth", "SigV4QueryAuth"])
def test_random_requests_signed_by_botocore_are_verified(signer: str) -> None:
    random_requests(signer, lambda path: quote(path, safe="/~"), "lambda", 60)


@pytest.mark.parametrize("signer", ["S3SigV4Auth", "S3SigV4QueryAuth"])
def test_random_s3_requests_signed_by_botocore_are_verified(signer: str) -> None:
    random_requests(signer, lambda path: quote(path, safe="/~"), "s3", 60)


def test_principal_tells_who_signed() -> None:
    principal = check(signed("SigV4Auth", URL, "POST", b"{}"))
    assert principal.arn == "arn:aws:iam::000000000000:user/ada"
    assert principal.account == "000000000000"
    assert principal.user_id == "AIDAX"


def test_scope_is_read_from_header_and_query() -> None:
    for signer in ("SigV4Auth", "SigV4QueryAuth"):
        scope = scope_of(signed(signer, URL, service="sqs"))
        assert scope is not None
        assert (scope.service, scope.region, scope.access_key) == ("sqs", "us-east-1", "AKIAEXAMPLE")
    assert scope_of(SignedRequest("GET", "/", "", ())) is None


@pytest.mark.parametrize(
    ("service", "status", "code", "message"),
    [
        ("lambda", 403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        ("dynamodb", 400, "MissingAuthenticationTokenException", "Request is missing Authentication Token"),
        ("sts", 403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
        ("s3", 403, "AccessDenied", "Access Denied"),
    ],
)
def test_unsigned_request_is_refused_in_the_words_of_the_protocol(
    service: str, status: int, code: str, message: str
) -> None:
    error = refusal(SignedRequest("GET", "/", "", (("Host", "h"),)), service)
    assert (error.status, error.code, error.message) == (status, code, message)


@pytest.mark.parametrize(
    ("service", "status", "code"),
    [
        ("lambda", 403, "UnrecognizedClientException"),
        ("dynamodb", 400, "UnrecognizedClientException"),
        ("iam", 403, "InvalidClientTokenId"),
        ("ec2", 401, "AuthFailure"),
        ("s3", 403, "InvalidAccessKeyId"),
    ],
)
def test_unknown_key_is_refused(service: str, status: int, code: str) -> None:
    signer = "S3SigV4Auth" if service == "s3" else "SigV4Auth"
    error = refusal(
        signed(signer, URL, service=service, credential=replace(USER, access_key="AKIANOBODY")), service
    )
    assert (error.status, error.code) == (status, code)
    if code in ("UnrecognizedClientException", "InvalidClientTokenId"):
        assert error.message == "The security token included in the request is invalid."


@pytest.mark.parametrize(
    ("service", "status", "code"),
    [
        ("lambda", 403, "InvalidSignatureException"),
        ("dynamodb", 400, "InvalidSignatureException"),
        ("sts", 403, "SignatureDoesNotMatch"),
        ("s3", 403, "SignatureDoesNotMatch"),
    ],
)
def test_wrong_secret_is_refused(service: str, status: int, code: str) -> None:
    signer = "S3SigV4Auth" if service == "s3" else "SigV4Auth"
    error = refusal(signed(signer, URL, service=service, credential=replace(USER, secret_key="no")), service)
    assert (error.status, error.code) == (status, code)
    assert error.message.startswith(
        "The request signature we calculated does not match the signature you pro"
    )


def test_changed_body_header_and_method_are_refused() -> None:
    request = signed("SigV4Auth", URL, "POST", b"body", headers={"X-A": "1"})
    for spoiled in (
        replace(request, body=b"other"),
        replace(request, method="PUT"),
        replace(request, headers=tuple((n, "2" if n == "X-A" else v) for n, v in request.headers)),
        replace(request, query="a=b"),
    ):
        assert refusal(spoiled).code == "InvalidSignatureException"


def test_s3_names_a_changed_body() -> None:
    request = signed("S3SigV4Auth", "https://b.s3.amazonaws.com/k", "PUT", b"body", "s3")
    error = refusal(replace(request, body=b"other"), "s3")
    assert (error.status, error.code) == (400, "XAmzContentSHA256Mismatch")


@pytest.mark.parametrize("mode", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"])
def test_payload_modes_leave_the_body_out(mode: str) -> None:
    url = "https://b.s3.amazonaws.com/k"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth.S3SigV4Auth, "payload", lambda self, request: mode)
        request = signed("S3SigV4Auth", url, "PUT", b"body", "s3")
    assert check(replace(request, body=b"5;chunk-signature=0\r\nhello"), "s3").account == "000000000000"


def test_body_not_read_is_taken_by_its_claimed_hash() -> None:
    request = signed("S3SigV4Auth", "https://b.s3.amazonaws.com/k", "PUT", b"body", "s3")
    assert check(replace(request, body=None), "s3").account == "000000000000"


@pytest.mark.parametrize(("token", "given"), [(None, "x"), ("x", None), ("x", "y")])
def test_wrong_session_token_is_refused(token: str | None, given: str | None) -> None:
    async def own(access_key: str) -> Credential:
        return replace(USER, session_token=token)

    async def main(clock: clocks.Clock) -> None:
        await verify(
            signed("SigV4Auth", URL, credential=replace(USER, session_token=given)),
            "lambda",
            "us-east-1",
            own,
            clock,
        )

    with pytest.raises(AwsError, match="UnrecognizedClientException"):
        clocks.run(main, start=NOW)


def test_expired_session_is_refused() -> None:
    async def own(access_key: str) -> Credential:
        return replace(SESSION, expires=NOW - timedelta(seconds=1))

    async def main(clock: clocks.Clock) -> None:
        await verify(signed("SigV4Auth", URL, credential=SESSION), "lambda", "us-east-1", own, clock)

    with pytest.raises(AwsError, match="ExpiredTokenException") as caught:
        clocks.run(main, start=NOW)
    assert caught.value.message == "The security token included in the request is expired"


@pytest.mark.parametrize(("late", "accepted"), [(299, True), (301, False), (-299, True), (-301, False)])
def test_clock_skew_of_five_minutes(late: int, accepted: bool) -> None:
    request = signed("SigV4Auth", URL, at=NOW - timedelta(seconds=late))
    if accepted:
        check(request)
        return
    error = refusal(request)
    assert error.code == "InvalidSignatureException"
    if late > 0:
        assert error.message == (
            "Signature expired: 20260301T115459Z is now earlier than 20260301T115500Z"
            " (20260301T120000Z - 5 min.)"
        )
    else:
        assert error.message == (
            "Signature not yet current: 20260301T120501Z is still later than 20260301T120500Z"
            " (20260301T120000Z + 5 min.)"
        )


def test_s3_allows_fifteen_minutes() -> None:
    check(signed("S3SigV4Auth", URL, service="s3", at=NOW - timedelta(minutes=14)), "s3")
    error = refusal(signed("S3SigV4Auth", URL, service="s3", at=NOW - timedelta(minutes=16)), "s3")
    assert (error.code, error.fields["MaxAllowedSkewMilliseconds"]) == ("RequestTimeTooSkewed", "900000")


@pytest.mark.parametrize(("age", "accepted"), [(3599, True), (3601, False), (-200, True), (-301, False)])
def test_presigned_url_lives_as_long_as_it_says(age: int, accepted: bool) -> None:
    request = signed("SigV4QueryAuth", URL, at=NOW - timedelta(seconds=age), expires=3600)
    if accepted:
        check(request)
    else:
        assert refusal(request).code == "InvalidSignatureException"


def test_presigned_s3_url_expires_in_s3s_words() -> None:
    request = signed("S3SigV4QueryAuth", URL, service="s3", at=NOW - timedelta(seconds=61), expires=60)
    error = refusal(request, "s3")
    assert (error.status, error.code, error.message) == (403, "AccessDenied", "Request has expired")
    assert error.fields.keys() == {"X-Amz-Expires", "Expires", "ServerTime"}


@pytest.mark.parametrize("expires", [0, 604_801])
def test_presigned_lifetime_has_bounds(expires: int) -> None:
    error = refusal(signed("SigV4QueryAuth", URL, expires=expires))
    assert (error.status, error.code) == (400, "AuthorizationQueryParametersError")


def test_wrong_region_and_service_are_named() -> None:
    request = signed("SigV4Auth", URL)
    assert refusal(request, region="eu-west-1").message == (
        "Credential should be scoped to a valid region, not 'us-east-1'. "
    )
    assert refusal(request, "sqs").message == "Credential should be scoped to correct service: 'sqs'. "
    check(request, region=None)


def header_only(value: str) -> SignedRequest:
    return SignedRequest("GET", "/", "", (("Host", "h"), ("Authorization", value)))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "token",
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' "
            "parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header "
            "requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=token",
        ),
        (
            "Bearer token",
            "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and "
            "encoded with Base64): 'sirDDmH2JNXZ7PrsYu3JMpduFdLxWZgJKX9UIu07OWs='.",
        ),
    ],
)
def test_header_that_is_no_signature_is_refused(value: str, message: str) -> None:
    error = refusal(header_only(value))
    assert (error.status, error.code, error.message) == (403, "IncompleteSignatureException", message)


def test_credential_without_scope_is_refused() -> None:
    value = "AWS4-HMAC-SHA256 Credential=AKIA, SignedHeaders=host, Signature=0"
    request = SignedRequest(
        "GET", "/", "", (("Host", "h"), ("Authorization", value), ("X-Amz-Date", "20260301T120000Z"))
    )
    assert refusal(request).code == "IncompleteSignatureException"


def test_host_must_be_signed() -> None:
    value = "AWS4-HMAC-SHA256 Credential=A/20260301/r/s/aws4_request, SignedHeaders=x-amz-date, Signature=0"
    request = SignedRequest("GET", "/", "", (("Authorization", value), ("X-Amz-Date", "20260301T120000Z")))
    assert refusal(request).message == (
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
    )


def test_asymmetric_signature_is_refused_by_name() -> None:
    with pytest.raises(NotEmulatedError, match="Signature Version 4A"):
        check(header_only("AWS4-ECDSA-P256-SHA256 Credential=A/20260301/s/aws4_request, Signature=0"))


def test_old_s3_signature_is_refused() -> None:
    error = refusal(header_only("AWS AKIA:sig="), "s3")
    assert (error.status, error.code) == (400, "InvalidRequest")


def test_date_header_stands_in_for_x_amz_date() -> None:
    check(signed("SigV4Auth", URL, headers={"Date": "any"}))


def test_iot_adds_the_token_after_signing() -> None:
    bare = replace(SESSION, session_token=None)
    request = signed(
        "SigV4QueryAuth",
        "https://x.iot.us-east-1.amazonaws.com/mqtt",
        service="iotdevicegateway",
        credential=bare,
    )
    request = replace(request, query=request.query + "&X-Amz-Security-Token=to%2Fken%3D%3D")
    assert check(request, "iotdevicegateway").access_key == "ASIAEXAMPLE"
