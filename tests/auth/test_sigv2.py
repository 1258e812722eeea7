"""URLs that S3's Signature Version 2 presigned: boto3 makes them by default where S3 takes them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import httpx
import pytest
from botocore.config import Config

from sandbox import clock as clocks
from sandbox.app import open_sandbox
from sandbox.auth import Credential, Principal, SignedRequest, verify_url
from sandbox.aws.errors import AwsError

NOW = datetime.now(UTC)  # boto3 signs by the machine's date, which is taken besides the sandbox's
USER = Credential("AKIAEXAMPLE", "secret/key+", None, "arn:aws:iam::000000000000:user/ada")
SESSION = Credential("ASIAEXAMPLE", "other", "to/ken==", "arn:aws:sts::000000000000:assumed-role/r/s")


async def lookup(access_key: str) -> Credential | None:
    return {one.access_key: one for one in (USER, SESSION)}.get(access_key)


def presigned(
    credential: Credential = USER, style: str = "path", operation: str = "get_object", **more: Any
) -> SignedRequest:
    """As boto3 presigns for us-east-1 without being told how."""
    s3 = boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id=credential.access_key,
        aws_secret_access_key=credential.secret_key,
        aws_session_token=credential.session_token,
        config=Config(s3={"addressing_style": style}),
    )
    params = {"Bucket": "my-bucket", "Key": "a b/ü.txt", **more}
    url = urlsplit(s3.generate_presigned_url(operation, params, ExpiresIn=60))
    assert "AWSAccessKeyId=" in url.query
    return SignedRequest(
        "PUT" if operation == "put_object" else "GET", url.path, url.query, (("Host", url.netloc),)
    )


def check(request: SignedRequest, region: str = "us-east-1", start: datetime = NOW) -> Principal:
    async def main(clock: clocks.Clock) -> Principal:
        return await verify_url(request, region, lookup, clock)

    return clocks.run(main, start=start)


def refusal(request: SignedRequest, **options: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        check(request, **options)
    return caught.value


@pytest.mark.parametrize("credential", [USER, SESSION])
@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("more", [{}, {"VersionId": "3", "ResponseContentType": "text/html; charset=utf-8"}])
def test_what_boto3_presigns_is_taken_and_nothing_else(
    credential: Credential, style: str, more: dict[str, str]
) -> None:
    request = presigned(credential, style, **more)
    assert check(request).access_key == credential.access_key
    spoiled = [replace(request, path=request.path + "x"), replace(request, method="PUT")]
    spoiled += [replace(request, query=request.query.replace("Expires=1", "Expires=2"))]
    assert {refusal(one).code for one in spoiled} == {"SignatureDoesNotMatch"}


def test_headers_that_were_signed_have_to_be_sent() -> None:
    request = presigned(operation="put_object", ContentType="text/x", Metadata={"a": "b"})
    sent = replace(request, headers=(*request.headers, ("Content-Type", "text/x")))
    assert check(sent).access_key == "AKIAEXAMPLE"
    other = replace(request, headers=(*request.headers, ("Content-Type", "text/y")))
    assert refusal(other).code == "SignatureDoesNotMatch"
    assert (
        refusal(replace(sent, query=sent.query.replace("meta-a=b", "meta-a=c"))).code
        == "SignatureDoesNotMatch"
    )


def test_a_url_ends_when_it_says_in_s3s_words() -> None:
    request = presigned()
    end = int(request.query_value("Expires") or 0)
    late = replace(request, query=request.query.replace(str(end), "1700000000"))
    error = refusal(late)
    assert (error.status, error.code, error.message) == (403, "AccessDenied", "Request has expired")
    assert error.fields["Expires"] == "2023-11-14T22:13:20Z"
    assert check(request, start=NOW + timedelta(days=1)).access_key == "AKIAEXAMPLE"  # by the machine's date


@pytest.mark.parametrize("expires", ["", "soon", "9" * 30])
def test_an_end_that_is_no_date_is_refused(expires: str) -> None:
    request = SignedRequest("GET", "/b/k", f"AWSAccessKeyId=AKIAEXAMPLE&Signature=x&Expires={expires}", ())
    assert refusal(request).code == "AccessDenied"


def test_an_unknown_key_and_a_wrong_token_are_named() -> None:
    request = presigned()
    unknown = replace(request, query=request.query.replace("AKIAEXAMPLE", "AKIANOBODY"))
    assert (refusal(unknown).code, refusal(unknown).fields) == (
        "InvalidAccessKeyId",
        {"AWSAccessKeyId": "AKIANOBODY"},
    )
    assert refusal(presigned(replace(SESSION, session_token="old"))).code == "InvalidToken"


def test_regions_since_2014_want_version_4() -> None:
    error = refusal(presigned(), region="eu-central-1")
    assert (error.status, error.code) == (400, "InvalidRequest")
    assert error.message == (
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
    )


def test_the_regions_are_those_of_botocores_endpoints() -> None:
    from sandbox.auth.sigv2 import REGIONS

    data = botocore.session.get_session().get_data("endpoints")
    endpoints = next(one for one in data["partitions"] if one["partition"] == "aws")["services"]["s3"][
        "endpoints"
    ]
    assert {name for name, one in endpoints.items() if "s3" in one.get("signatureVersions", ())} == {
        *REGIONS,
        "aws-global",
        "s3-external-1",
    }


def test_boto3_and_any_http_client_over_the_port() -> None:
    async def main(clock: clocks.Clock) -> None:
        async with open_sandbox(clock) as sandbox:
            await sandbox.control.call("s3", "CreateBucket", Bucket="models")
            await sandbox.control.call("s3", "PutObject", Bucket="models", Key="k", Body=b"data")
            s3 = boto3.client(
                "s3",
                region_name="us-east-1",
                endpoint_url=sandbox.endpoint,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            url = s3.generate_presigned_url("get_object", {"Bucket": "models", "Key": "k"})
            good = await asyncio.to_thread(httpx.get, url)
            assert (good.status_code, good.content) == (200, b"data")
            bad = await asyncio.to_thread(httpx.get, url.replace("/k?", "/other?"))
            assert (bad.status_code, bad.headers["content-type"]) == (403, "application/xml")
            assert "<Code>SignatureDoesNotMatch</Code>" in bad.text
            unknown = await asyncio.to_thread(httpx.get, url.replace("=test&", "=AKIANOBODY&"))
            assert "<AWSAccessKeyId>AKIANOBODY</AWSAccessKeyId>" in unknown.text

    clocks.run(main)
