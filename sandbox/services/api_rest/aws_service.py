"""``AWS``: a request to an AWS service, by ``path/...`` or ``action/...``, with the integration's role.

Source: API Gateway developer guide, "Set up an API integration request using the API Gateway console" (the URI) and
"Integration with AWS services". The service is asked for JSON (``Accept``), so services of the Query protocol answer
with their XML as JSON (:mod:`query_json`).
"""

from __future__ import annotations

import json
import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from sandbox.auth import Principal, authorize
from sandbox.aws.errors import NotEmulatedError
from sandbox.services.api_rest import lambda_custom, query_json
from sandbox.services.api_rest.call import Answer, Call
from sandbox.services.api_rest.gateway_response import GatewayError, internal
from sandbox.services.api_rest.integration_request import Outgoing, build
from sandbox.services.api_rest.integration_response import translate
from sandbox.services.api_rest.mapping import with_stage_variables

_URI = re.compile(
    r"arn:[^:]+:apigateway:(?P<region>[^:]+):(?P<service>[^:]+):(?P<kind>path|action)/(?P<rest>.*)", re.DOTALL
)
_QUERY = frozenset(("sqs", "sns"))
_TARGETS = {
    "dynamodb": "DynamoDB_20120810",
    "events": "AWSEvents",
    "kinesis": "Kinesis_20131202",
}
_S3_ACTIONS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
CALLER = re.compile(r"arn:[^:]+:iam::\*:user/\*")


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


async def integrate(call: Call) -> Answer:
    """Ask the service and translate its answer. Raises ``GatewayError``, ``NotEmulatedError``."""
    uri = with_stage_variables(call.integration.uri, call.api.stage_variables)
    found = _URI.fullmatch(uri)
    if found is None:
        raise _misconfigured(call, f"{uri!r} names no AWS service")
    if found["service"] == "lambda":
        return await lambda_custom.integrate(call)
    ask = _request(call, found, build(call))
    principal, access_key = await _principal(call)
    if authorize(principal, f"{ask.service}:{ask.action}", ask.resource):
        answer = await _send(call, ask, access_key)
    else:
        answer = _denied(call, ask, principal)
    return translate(call, answer, str(answer.status))


def _request(call: Call, uri: re.Match[str], outgoing: Outgoing) -> Ask:
    service = uri["service"].rpartition(".")[2]
    if service not in _QUERY and service not in _TARGETS and service != "s3":
        raise NotEmulatedError(f"the integration of API Gateway REST APIs with {uri['service']}")
    rest = uri["rest"]
    for name, value in outgoing.path.items():
        rest = rest.replace("{%s}" % name, quote(value, safe="/"))  # noqa: UP031 - braces
    query = dict(outgoing.query)
    headers = {name: value for name, (_, value) in outgoing.headers.items()}
    headers.setdefault("content-type", outgoing.content_type)
    headers.setdefault("accept", "application/json")
    path = f"/{rest.lstrip('/')}" if uri["kind"] == "path" else "/"
    action = "" if uri["kind"] == "path" else rest
    if service in _TARGETS:
        action = action or headers.get("x-amz-target", "").rpartition(".")[2]
        headers["x-amz-target"] = f"{_TARGETS[service]}.{action}"
        headers["content-type"] = "application/x-amz-json-1.0"
    body, fields = outgoing.body, _fields(outgoing, headers)
    if service in _QUERY:
        fields = {**query, **({"Action": action} if action else {}), **fields}
        action = fields.get("Action", "")
        body, query = urlencode(fields).encode(), {}
        headers["content-type"] = "application/x-www-form-urlencoded"
    if service == "s3":
        action = _S3_ACTIONS.get(call.integration.http_method, "")
    method = "POST" if service != "s3" else call.integration.http_method
    resource = _resource(call, service, uri["region"], path, fields, body)
    text = urlencode(query, quote_via=quote)
    return Ask(service, uri["region"], action, resource, method, path, text, headers, body)


def _fields(outgoing: Outgoing, headers: dict[str, str]) -> dict[str, str]:
    """The fields of a form; the templates write ``Action=SendMessage&MessageBody=...`` under any content type."""
    text = outgoing.body.decode("utf-8", "replace").strip()
    form = headers["content-type"].startswith("application/x-www-form-urlencoded") or "Action=" in text[:200]
    return {k: v[-1] for k, v in parse_qs(text, keep_blank_values=True).items()} if form else {}


def _resource(call: Call, service: str, region: str, path: str, fields: dict[str, str], body: bytes) -> str:
    account = call.sandbox.settings.account
    arn = f"arn:aws:{service}:{region}:{account}:"
    if service == "s3":
        return f"arn:aws:s3:::{path.strip('/')}"
    if service == "sqs":
        queue = path if path.strip("/") else fields.get("QueueUrl", "")
        return arn + queue.rstrip("/").rpartition("/")[2]
    if service == "sns":
        return fields.get("TopicArn") or fields.get("TargetArn") or arn + "*"
    given = _json(body)
    if service == "dynamodb":
        table = str(given.get("TableName", "*"))
        index = f"/index/{given['IndexName']}" if given.get("IndexName") else ""
        return table if table.startswith("arn:") else f"{arn}table/{table}{index}"
    if service == "kinesis":
        return str(given.get("StreamARN") or f"{arn}stream/{given.get('StreamName', '*')}")
    return f"{arn}event-bus/default"


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


async def _principal(call: Call) -> tuple[Principal, str]:
    """Who asks: a session of the integration's role, or the caller of the method."""
    role = with_stage_variables(call.integration.credentials or "", call.api.stage_variables)
    if CALLER.fullmatch(role) and call.principal is not None:
        return call.principal, call.principal.access_key
    if not role or CALLER.fullmatch(role):
        raise _misconfigured(call, f"an integration with an AWS service needs a role, not {role!r}")
    control = call.sandbox.control
    made = await control.call("sts", "AssumeRole", RoleArn=role, RoleSessionName="BackplaneAssumeRoleSession")
    access_key = made["Credentials"]["AccessKeyId"]
    credential = await control.secret_for(access_key)
    if credential is None:
        raise _misconfigured(call, f"the role {role} gives no credentials")
    return Principal.of(credential), access_key


async def _send(call: Call, ask: Ask, access_key: str) -> Answer:
    """The service's answer, by the control plane in this process."""
    date = f"{call.sandbox.clock.utcnow():%Y%m%d}"
    scope = f"{access_key}/{date}/{ask.region}/{ask.service}/aws4_request"
    headers = {**ask.headers, "host": f"{ask.service}.{ask.region}.amazonaws.com"}
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=internal"
    url = f"https://{headers['host']}{ask.path}" + (f"?{ask.query}" if ask.query else "")
    call.sending(url, headers.items(), ask.body)
    answer = await _ask_control(call, ask, headers)
    call.received(answer.status, answer.headers, answer.body)
    if ask.service not in _QUERY or "json" not in ask.headers["accept"]:
        return answer
    kept = [pair for pair in answer.headers if pair[0].lower() != "content-type"]
    return Answer(
        answer.status, [*kept, ("Content-Type", "application/json")], query_json.from_xml(answer.body)
    )


async def _ask_control(call: Call, ask: Ask, headers: dict[str, str]) -> Answer:
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

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await call.sandbox.control(scope, receive, send)
    pairs = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in start["headers"]]
    return Answer(start["status"], pairs, b"".join(parts))


def _denied(call: Call, ask: Ask, principal: Principal) -> Answer:
    """The service's refusal. Its words are IAM's; how each service wraps them is UNSOURCED."""
    what = f"{ask.service}:{ask.action}"
    text = (
        f"User: {principal.arn} is not authorized to perform: {what} on resource: {ask.resource} because no "
        f"identity-based policy allows the {what} action"
    )
    if ask.service in _QUERY:
        error = {"Code": "AccessDenied", "Message": text, "Type": "Sender"}
        body: dict[str, Any] = {"Error": error, "RequestId": call.request_id}
    else:
        body = {"__type": "AccessDeniedException", "Message": text}
    headers = [("Content-Type", "application/json")]
    return Answer(403, headers, json.dumps(body, separators=(",", ":")).encode())


def _misconfigured(call: Call, reason: str) -> GatewayError:
    return internal(call.sandbox.limits, "API_CONFIGURATION_ERROR", 500, reason)
