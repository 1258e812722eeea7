"""AWS errors in the form of the protocol that the request speaks."""

from __future__ import annotations

import json
from html import escape

from sandbox.aws.errors import AwsError
from sandbox.context import Scope, Send


def presigned_by_version_2(query: bytes) -> bool:
    """Whether S3's Signature Version 2 is in the query; other services' has a ``SignatureVersion`` there, too."""
    return b"AWSAccessKeyId=" in query and b"Signature=" in query and b"SignatureVersion=" not in query


def service_of(headers: dict[bytes, bytes], query: bytes) -> str | None:
    """The service in the credential scope of a signed request (``.../20260101/us-east-1/sqs/aws4_request``)."""
    signature = headers.get(b"authorization", b"")
    if b"Credential=" in signature:
        credential = signature.partition(b"Credential=")[2].partition(b",")[0]
    elif b"X-Amz-Credential=" in query:
        credential = query.partition(b"X-Amz-Credential=")[2].partition(b"&")[0].replace(b"%2F", b"/")
    else:
        return "s3" if presigned_by_version_2(query) else None
    parts = credential.strip().split(b"/")
    return parts[3].decode("latin-1") if len(parts) == 5 else None


def _render(error: AwsError, scope: Scope, request_id: str) -> tuple[bytes, bytes]:
    headers = dict(scope["headers"])
    kind = headers.get(b"content-type", b"")
    code, message = escape(error.code, quote=False), escape(error.message, quote=False)
    if kind.startswith(b"application/x-www-form-urlencoded"):
        sender = "Sender" if error.status < 500 else "Receiver"
        body = (
            f"<ErrorResponse><Error><Type>{sender}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return body.encode(), b"text/xml"
    if service_of(headers, scope["query_string"]) == "s3":
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>{message}</Message>{_members(error)}"
            f"<RequestId>{request_id}</RequestId></Error>"
        )
        return body.encode(), b"application/xml"
    if kind.startswith(b"application/x-amz-json"):
        return json.dumps({"__type": error.code, "message": error.message, **error.fields}).encode(), kind
    # REST-JSON. Lambda writes "Type" and "Message"; others "message".
    return json.dumps({"message": error.message, **error.fields}).encode(), b"application/json"


def _members(error: AwsError) -> str:
    """What S3's errors carry besides the message."""
    return "".join(
        f"<{name}>{escape(str(value), quote=False)}</{name}>" for name, value in error.fields.items()
    )


async def send_error(error: AwsError, scope: Scope, send: Send, request_id: str) -> None:
    """Answer with an AWS error; so is the handshake of a WebSocket."""
    body, kind = _render(error, scope, request_id)
    prefix = "websocket." if scope["type"] == "websocket" else ""
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-requestid", request_id.encode()),
        (b"x-amzn-errortype", error.code.encode()),
        *((name.lower().encode(), value.encode()) for name, value in error.headers.items()),
    ]
    await send({"type": f"{prefix}http.response.start", "status": error.status, "headers": headers})
    await send({"type": f"{prefix}http.response.body", "body": body})
