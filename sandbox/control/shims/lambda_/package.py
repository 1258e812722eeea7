"""Deployment packages: from the request or from S3, checked as AWS checks them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import Control, Sandbox
from sandbox.control.shims.lambda_.store import Package, invalid, user_error

# base64 makes 4 bytes of 3: what a request with the largest package has.
REQUEST_MAX = 69_905_067  # facts 4.40: 50 MB


async def fetch(sandbox: Sandbox, code: Mapping[str, Any], operation: str) -> Package:
    """The package that a ``Code`` or ``Content`` structure means.

    Raises ``InvalidParameterValueException`` for a file that is no zip, that is too large, or that S3 does not
    have; ``NotEmulatedError`` for a container image.
    """
    if code.get("ImageUri"):
        raise NotEmulatedError("Lambda functions from container images (PackageType Image)")
    if code.get("ZipFile") is not None:
        data = bytes(code["ZipFile"])
        if len(data) > sandbox.limits.value("lambda.package.zipped"):
            message = f"Request must be smaller than {REQUEST_MAX} bytes for the {operation} operation"
            raise user_error("RequestEntityTooLargeException", message, 413)
    elif code.get("S3Bucket") and code.get("S3Key"):
        data = await _from_s3(sandbox.control, code)
    else:
        raise invalid("Please provide a source for function code.")
    return await asyncio.to_thread(check, data, sandbox.limits.value("lambda.package.unzipped"))


async def _from_s3(control: Control, code: Mapping[str, Any]) -> bytes:
    version = {"VersionId": code["S3ObjectVersion"]} if code.get("S3ObjectVersion") else {}
    try:
        found = await control.call("s3", "GetObject", Bucket=code["S3Bucket"], Key=code["S3Key"], **version)
    except AwsError as error:
        message = (
            f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
        )
        raise invalid(message) from error
    return bytes(found["Body"])


def check(data: bytes, unzipped_max: int) -> Package:
    """A package of these bytes. Reads the zip's directory only; slow for large files: not on the loop."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unzipped = sum(entry.file_size for entry in archive.infolist())
            count = len(archive.infolist())
    except zipfile.BadZipFile:
        raise invalid(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from None
    if count == 0:
        raise invalid("Uploaded file must be a non-empty zip")
    if unzipped > unzipped_max:
        raise invalid(f"Unzipped size must be smaller than {unzipped_max} bytes")
    return Package(data, base64.b64encode(hashlib.sha256(data).digest()).decode(), unzipped)
