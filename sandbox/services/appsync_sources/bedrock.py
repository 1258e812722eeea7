"""Bedrock's runtime as a data source: whole answers within 10 s, no streams.

Source: AppSync developer guide, "JavaScript resolver and function reference for Amazon Bedrock runtime". Which type
an error of the model has in ``context.error`` is UNSOURCED (its own name behind ``Bedrock:``).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from sandbox.auth import SignedRequest
from sandbox.aws.errors import AwsError
from sandbox.services.appsync_sources import signing
from sandbox.services.appsync_sources.errors import SourceError
from sandbox.services.appsync_sources.http import LARGEST
from sandbox.services.http_client import HttpClient, TooLargeError, reachable

if TYPE_CHECKING:
    from sandbox.control.appsync import DataSource
    from sandbox.services.appsync_sources.asking import Asking

_OPERATIONS = {"InvokeModel": "invoke", "Converse": "converse"}
_IAM = {"signingServiceName": "bedrock"}
# Members of the request that are headers of InvokeModel (botocore, bedrock-runtime, InvokeModelRequest).
_GUARDRAIL = {
    "guardrailIdentifier": "x-amzn-bedrock-guardrailidentifier",
    "guardrailVersion": "x-amzn-bedrock-guardrailversion",
    "guardrailTrace": "x-amzn-bedrock-trace",
}


async def call(request: Asking, source: DataSource, document: Mapping[str, Any], http: HttpClient) -> Any:
    """The model's answer as JSON. Raises :class:`SourceError`."""
    operation, model = _OPERATIONS.get(str(document.get("operation"))), document.get("modelId")
    if operation is None or not isinstance(model, str):
        told = f"Unsupported operation '{document.get('operation')}' or no modelId."
        raise SourceError(told, "MappingTemplate")
    seconds = float(request.sandbox.limits.value("appsync.bedrock.timeout"))
    try:
        async with asyncio.timeout(seconds):
            return await _ask(request, source, document, f"/model/{quote(model, safe='')}/{operation}", http)
    except TimeoutError:
        word = str(request.sandbox.limits.value("appsync.error.timeout.type"))
        raise SourceError("Execution timed out.", f"Bedrock:{word}") from None


async def _ask(
    request: Asking, source: DataSource, document: Mapping[str, Any], path: str, http: HttpClient
) -> Any:
    import httpx

    sandbox = request.sandbox
    host = f"bedrock-runtime.{request.api.region}.amazonaws.com"
    headers = {"host": host, "content-type": "application/json", "accept": "application/json"}
    if path.endswith("/invoke"):
        body = document.get("body")
        headers |= {name: str(document[key]) for key, name in _GUARDRAIL.items() if document.get(key)}
    else:
        body = {name: value for name, value in document.items() if name not in ("operation", "modelId")}
    content = json.dumps(body).encode()
    signed = SignedRequest("POST", path, "", tuple(headers.items()), content)
    where = reachable(urlsplit(f"https://{host}{path}"), sandbox.endpoint)
    try:
        headers |= await signing.headers(sandbox, source, _IAM, signed)
        built = httpx.Request("POST", where.geturl(), headers=headers, content=content)
        status, pairs, answer = await http.whole(built, LARGEST)
    except AwsError as refusal:  # of the role
        raise SourceError(refusal.message, refusal.code) from refusal
    except (httpx.TransportError, TooLargeError) as failure:
        raise SourceError(f"{type(failure).__name__}: {failure}", "Bedrock:ServiceException") from failure
    value = json.loads(answer)
    if status != 200:
        named = {name.lower(): text for name, text in pairs}.get("x-amzn-errortype", "ServiceException")
        raise SourceError(str(value.get("message", "")), f"Bedrock:{named.partition(':')[0]}")
    return value
