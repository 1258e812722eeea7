"""Custom authorizers: a Lambda function decides who a client is and gives its policies (fact 6.2).

Source: IoT Core developer guide, "Custom authentication": where name, token and signature stand, the function's
event and answer, and its 5 s.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sandbox.auth import Principal, as_statements, authorize
from sandbox.aws import json_text
from sandbox.aws.errors import AwsError
from sandbox.context import Invocation
from sandbox.services.iot.identity import AUTHORIZER_EXPIRED, Identity, iot_principal
from sandbox.services.iot.mqtt import Connect

if TYPE_CHECKING:
    from sandbox.auth import SignedRequest
    from sandbox.context import Sandbox, Scope
    from sandbox.control.iot import IotAuthorizer

NAME, SIGNATURE = "x-amz-customauthorizer-name", "x-amz-customauthorizer-signature"
_SERVICE = Principal.aws_service("iot.amazonaws.com")
_LIVES = (300, 86_400)  # seconds that disconnectAfterInSeconds may say
_MOST_POLICIES, _LONGEST_POLICY = 10, 2048


class DeniedError(Exception):
    """The client is not let in; the message says why, for the timeline."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent of use to an authorizer. ``values``: headers and query parameters by lower-case name."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    host: str = ""
    connect: Connect | None = None

    @classmethod
    def of_handshake(cls, scope: Scope, request: SignedRequest) -> Request:
        """From the request that opens the WebSocket."""
        headers = dict(request.headers)
        values = {name.lower(): value for name, value in parse_qsl(request.query, keep_blank_values=True)}
        values |= {name.lower(): value for name, value in headers.items()}
        return cls(headers, request.query, values, (request.header("host") or "").partition(":")[0])

    def with_connect(self, packet: Connect) -> Request:
        """With what CONNECT says: its user name may hold a query string."""
        _, _, query = (packet.username or "").partition("?")
        values = {name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True)}
        return replace(self, values={**self.values, **values}, connect=packet)

    @property
    def name(self) -> str | None:
        """The authorizer that it asks for."""
        return self.values.get(NAME)

    @property
    def signature(self) -> str | None:
        """The token's signature."""
        return self.values.get(SIGNATURE)

    def event(self, token: str | None, verified: bool, connection: str) -> dict[str, Any]:
        """The function's event; fields without a value are left out."""
        data: dict[str, Any] = {
            "tls": {"serverName": self.host},
            "http": {"headers": dict(self.headers), "queryString": f"?{self.query}" if self.query else ""},
        }
        protocols = ["tls", "http"]
        if self.connect is not None:
            protocols.append("mqtt")
            data["mqtt"] = _connect(self.connect)
        event: dict[str, Any] = {} if token is None else {"token": token}
        return event | {
            "signatureVerified": verified,
            "protocols": protocols,
            "protocolData": data,
            "connectionMetadata": {"id": connection},
        }


def _connect(packet: Connect) -> dict[str, str]:
    told = {"clientId": packet.client_id}
    if packet.username is not None:
        told["username"] = packet.username
    if packet.password is not None:
        told["password"] = base64.b64encode(packet.password).decode()
    return told


async def any_active(sandbox: Sandbox) -> bool:
    """Whether the account has an authorizer that a CONNECT could name."""
    return await sandbox.control.resources.iot.has_authorizers()


async def judge(sandbox: Sandbox, request: Request) -> Identity:
    """Who the client is. Raises :class:`DeniedError`."""
    found = await sandbox.control.resources.iot.authorizer(request.name)
    if found is None or found.status != "ACTIVE":
        raise DeniedError(f"there is no active authorizer {request.name or 'by default'}")
    token = request.values.get(found.token_key.lower()) if found.token_key else None
    verified = _verified(found, token, request.signature)
    event = request.event(token, verified, sandbox.ids.uuid())
    return _identity(sandbox, await invoke(sandbox, found, event))


def _verified(found: IotAuthorizer, token: str | None, signature: str | None) -> bool:
    """Whether the token's signature is right; the function is not even called for a wrong one."""
    if found.signing_disabled:
        return False
    if token is None or not signature:
        raise DeniedError("the token or its signature is missing")
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    for text in found.public_keys.values():
        key = serialization.load_pem_public_key(text.encode())
        try:
            if isinstance(key, RSAPublicKey):
                raw = base64.b64decode(signature.replace(" ", "+"))
                key.verify(raw, token.encode(), PKCS1v15(), hashes.SHA256())
                return True
        except (InvalidSignature, ValueError):
            continue
    raise DeniedError("the signature of the token is wrong")


async def invoke(sandbox: Sandbox, found: IotAuthorizer, event: Mapping[str, Any]) -> dict[str, Any]:
    """The function's answer. Raises :class:`DeniedError`."""
    await _check_permission(sandbox, found)
    payload = json.dumps(event).encode()
    try:
        async with asyncio.timeout(float(sandbox.limits.value("iot.authorizer.timeout"))):
            result = await sandbox.invoke(Invocation(found.function, payload))
    except TimeoutError as late:
        raise DeniedError("the authorizer's function took too long") from late
    except AwsError as refusal:
        raise DeniedError(f"Lambda refused: {refusal}") from refusal
    if result.function_error is not None:
        raise DeniedError(
            f"the authorizer's function failed: {result.payload[:200].decode('utf-8', 'replace')}"
        )
    try:
        answer = json_text.loads(result.payload)
    except ValueError as wrong:
        raise DeniedError("the authorizer's answer is no JSON") from wrong
    if not isinstance(answer, dict):
        raise DeniedError("the authorizer's answer is no object")
    return answer


async def _check_permission(sandbox: Sandbox, found: IotAuthorizer) -> None:
    """The function's policy has to let IoT in."""
    parts = found.function.split(":")
    qualifier = parts[7] if len(parts) > 7 else None
    policy = await sandbox.control.resources.function_policy(parts[6] if len(parts) > 6 else "", qualifier)
    context = {"aws:SourceArn": found.arn, "aws:SourceAccount": sandbox.settings.account}
    statements = as_statements(policy)
    allowed = authorize(
        _SERVICE, "lambda:InvokeFunction", found.function, resource_policy=statements, context=context
    )
    if not allowed:
        raise DeniedError(f"{found.function} does not permit iot.amazonaws.com for {found.arn}")


async def test(sandbox: Sandbox, params: Mapping[str, Any]) -> dict[str, Any]:
    """``TestInvokeAuthorizer``: what an authorizer's function says to made-up data. Raises ``AwsError``."""
    http, connect = params.get("httpContext") or {}, params.get("mqttContext") or {}
    request = Request(
        http.get("headers") or {},
        str(http.get("queryString") or "").removeprefix("?"),
        host=str((params.get("tlsContext") or {}).get("serverName") or ""),
        connect=Connect(
            connect.get("clientId") or "", username=connect.get("username"), password=connect.get("password")
        )
        if connect
        else None,
    )
    found = await sandbox.control.resources.iot.authorizer(params["authorizerName"])
    if found is None:
        message = f"Authorizer not found (authorizerName={params['authorizerName']})"
        raise AwsError(404, "ResourceNotFoundException", message)
    token = params.get("token")
    try:
        verified = _verified(found, token, params.get("tokenSignature"))
        answer = await invoke(sandbox, found, request.event(token, verified, sandbox.ids.uuid()))
    except DeniedError as denied:
        raise AwsError(400, "InvalidResponseException", str(denied)) from denied
    documents = [
        one if isinstance(one, str) else json.dumps(one) for one in answer.get("policyDocuments") or ()
    ]
    known = ("isAuthenticated", "principalId", "refreshAfterInSeconds", "disconnectAfterInSeconds")
    return {**{name: answer[name] for name in known if name in answer}, "policyDocuments": documents}


def _identity(sandbox: Sandbox, answer: Mapping[str, Any]) -> Identity:
    """The identity that an answer means. Raises :class:`DeniedError`."""
    if answer.get("isAuthenticated") is not True:
        raise DeniedError("the authorizer says that the client is not authenticated")
    principal = answer.get("principalId")
    if not isinstance(principal, str) or not principal.isalnum() or len(principal) > 128:
        raise DeniedError("principalId has 1 to 128 letters and digits")
    policies = []
    documents = answer.get("policyDocuments")
    if not isinstance(documents, list) or len(documents) > _MOST_POLICIES:
        raise DeniedError(f"policyDocuments is a list of at most {_MOST_POLICIES}")
    for document in documents:
        text = document if isinstance(document, str) else json.dumps(document)
        if len(text) > _LONGEST_POLICY:
            raise DeniedError(f"a policy document has more than {_LONGEST_POLICY} characters")
        try:
            policies.append(json.loads(text))
        except ValueError as wrong:
            raise DeniedError("a policy document is no JSON") from wrong
    seconds = answer.get("disconnectAfterInSeconds", _LIVES[1])
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise DeniedError("disconnectAfterInSeconds is a number")
    lives = min(max(seconds, _LIVES[0]), _LIVES[1])
    owner = iot_principal(sandbox.settings.account, policies)
    return Identity(principal, (owner,), lives=lives, ends_with=AUTHORIZER_EXPIRED)
