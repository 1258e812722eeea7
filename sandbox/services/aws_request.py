"""A request of API Gateway to another AWS service, by ``path/...`` or ``action/...``, as an integration's role.

REST and WebSocket APIs share it. Source: API Gateway developer guide, "Set up an API integration request using the
API Gateway console" (the URI) and "Integration with AWS services". The service is asked for JSON (``Accept``), so
services of the Query protocol answer with their XML as JSON (:mod:`query_json`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from sandbox.auth import Principal
from sandbox.aws.errors import NotEmulatedError
from sandbox.context import Sandbox
from sandbox.services import query_json

URI = re.compile(
    r"arn:[^:]+:apigateway:(?P<region>[^:]+):(?P<service>[^:]+):(?P<kind>path|action)/(?P<rest>.*)", re.DOTALL
)
_ROLE = re.compile(r"arn:[^:]+:iam::\d{12}:role/.+")
_QUERY = frozenset(("sqs", "sns"))
_TARGETS = {
    "dynamodb": "DynamoDB_20120810",
    "events": "AWSEvents",
    "kinesis": "Kinesis_20131202",
    "states": "AWSStepFunctions",
}
_S3_ACTIONS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
Answer = tuple[int, list[tuple[str, str]], bytes]
Watch = Callable[[str, Iterable[tuple[str, str]], bytes], None]


@dataclass(frozen=True, slots=True)
class Given:
    """What the integration request says. ``headers``: lower-case name -> value; ``path``: variables of the URI."""

    body: bytes
    content_type: str
    method: str
    headers: Mapping[str, str]
    path: Mapping[str, str]
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to a service. ``action``: as IAM names it, without the service."""

    service: str
    region: str
    action: str
    resource: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


def ask_of(uri: re.Match[str], given: Given, account: str, api: str) -> Ask:
    """The request. ``api``: the kind of API, for the ``NotEmulatedError`` of a service that is not there."""
    service = uri["service"].rpartition(".")[2]
    if service not in _QUERY and service not in _TARGETS and service != "s3":
        raise NotEmulatedError(f"the integration of API Gateway {api} APIs with {uri['service']}")
    rest = uri["rest"]
    for name, value in given.path.items():
        rest = rest.replace("{%s}" % name, quote(value, safe="/"))  # noqa: UP031 - braces
    query, headers = dict(given.query), dict(given.headers)
    headers.setdefault("content-type", given.content_type)
    headers.setdefault("accept", "application/json")
    path = f"/{rest.lstrip('/')}" if uri["kind"] == "path" else "/"
    action = "" if uri["kind"] == "path" else rest
    if service in _TARGETS:
        action = action or headers.get("x-amz-target", "").rpartition(".")[2]
        headers["x-amz-target"] = f"{_TARGETS[service]}.{action}"
        headers["content-type"] = "application/x-amz-json-1.0"
    body, fields = given.body, _fields(given.body, headers)
    if service in _QUERY:
        fields = {**query, **({"Action": action} if action else {}), **fields}
        action = fields.get("Action", "")
        body, query = urlencode(fields).encode(), {}
        headers["content-type"] = "application/x-www-form-urlencoded"
    if service == "s3":
        action = _S3_ACTIONS.get(given.method, "")
    method = "POST" if service != "s3" else given.method
    arn = f"arn:aws:{service}:{uri['region']}:{account}:"
    resource = _resource(arn, service, path, fields, _json(body))
    text = urlencode(query, quote_via=quote)
    return Ask(service, uri["region"], action, resource, method, path, text, headers, body)


def _fields(body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    """The fields of a form; the templates write ``Action=SendMessage&MessageBody=...`` under any content type."""
    text = body.decode("utf-8", "replace").strip()
    form = headers["content-type"].startswith("application/x-www-form-urlencoded") or "Action=" in text[:200]
    return {k: v[-1] for k, v in parse_qs(text, keep_blank_values=True).items()} if form else {}


def _resource(arn: str, service: str, path: str, fields: Mapping[str, str], given: Mapping[str, Any]) -> str:
    if service == "s3":
        return f"arn:aws:s3:::{path.strip('/')}"
    if service == "sqs":
        queue = path if path.strip("/") else fields.get("QueueUrl", "")
        return arn + queue.rstrip("/").rpartition("/")[2]
    if service == "sns":
        return fields.get("TopicArn") or fields.get("TargetArn") or arn + "*"
    if service == "dynamodb":
        table = str(given.get("TableName", "*"))
        index = f"/index/{given['IndexName']}" if given.get("IndexName") else ""
        return table if table.startswith("arn:") else f"{arn}table/{table}{index}"
    if service == "kinesis":
        return str(given.get("StreamARN") or f"{arn}stream/{given.get('StreamName', '*')}")
    if service == "states":
        return str(given.get("stateMachineArn") or given.get("executionArn") or arn + "*")
    return f"{arn}event-bus/default"


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


async def session_of(sandbox: Sandbox, role: str) -> tuple[Principal, str] | None:
    """A session of a role, and its access key; ``None`` for what is no role's ARN."""
    if not _ROLE.fullmatch(role):
        return None
    access_key, _, _ = await sandbox.control.role_credentials(role, "BackplaneAssumeRoleSession")
    credential = await sandbox.control.secret_for(access_key)
    return None if credential is None else (Principal.of(credential), access_key)


async def send(sandbox: Sandbox, ask: Ask, access_key: str, sending: Watch | None = None) -> Answer:
    """The service's answer, by the control plane in this process. ``sending`` is told of the request."""
    date = f"{sandbox.clock.utcnow():%Y%m%d}"
    scope = f"{access_key}/{date}/{ask.region}/{ask.service}/aws4_request"
    headers = {**ask.headers, "host": f"{ask.service}.{ask.region}.amazonaws.com"}
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=internal"
    if sending is not None:
        query = f"?{ask.query}" if ask.query else ""
        sending(f"https://{headers['host']}{ask.path}{query}", headers.items(), ask.body)
    status, pairs, body = await _ask_control(sandbox, ask, headers)
    if ask.service not in _QUERY or "json" not in ask.headers["accept"]:
        return status, pairs, body
    kept = [pair for pair in pairs if pair[0].lower() != "content-type"]
    return status, [*kept, ("Content-Type", "application/json")], query_json.from_xml(body)


async def _ask_control(sandbox: Sandbox, ask: Ask, headers: Mapping[str, str]) -> Answer:
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": ask.method,
        "scheme": "https",
        "path": ask.path,
        "raw_path": ask.path.encode(),
        "query_string": ask.query.encode(),
        "headers": [(name.encode(), value.encode("utf-8")) for name, value in headers.items()],
        "client": None,
        "server": None,
    }
    start: MutableMapping[str, Any] = {}
    parts: list[bytes] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": ask.body, "more_body": False}

    async def take(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await sandbox.control(scope, receive, take)
    pairs = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in start["headers"]]
    return start["status"], pairs, b"".join(parts)


def denied(ask: Ask, principal: Principal, request_id: str) -> Answer:
    """The service's refusal. Its words are IAM's; how each service wraps them is UNSOURCED."""
    what = f"{ask.service}:{ask.action}"
    text = (
        f"User: {principal.arn} is not authorized to perform: {what} on resource: {ask.resource} because no "
        f"identity-based policy allows the {what} action"
    )
    if ask.service in _QUERY:
        error = {"Code": "AccessDenied", "Message": text, "Type": "Sender"}
        body: dict[str, Any] = {"Error": error, "RequestId": request_id}
    else:
        body = {"__type": "AccessDeniedException", "Message": text}
    return 403, [("Content-Type", "application/json")], json.dumps(body, separators=(",", ":")).encode()
