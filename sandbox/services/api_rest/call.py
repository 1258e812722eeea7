"""A request on its way through the gateway: what is known about it so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sandbox.auth import Principal, SignedRequest
from sandbox.context import Sandbox, Scope
from sandbox.services.exchange import Exchange

if TYPE_CHECKING:
    from sandbox.control.resources import ApiKey, Integration, Method, RestApi, RestResource
    from sandbox.control.rest_tests import Simulated
    from sandbox.services.api_rest.execution_log import ExecutionLog

Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class Answer:
    """What an integration answered."""

    status: int
    headers: Pairs
    body: bytes


@dataclass(slots=True)
class Call:
    """One request. The steps fill it in from top to bottom."""

    sandbox: Sandbox
    exchange: Exchange
    scope: Scope
    api_id: str
    region: str
    request_id: str
    extended_request_id: str  # also x-amz-apigw-id
    trace_id: str
    source_ip: str
    raw_path: str  # as sent, with the stage
    at_ms: int
    began: float  # on the sandbox's clock
    stage: str = ""
    path: str = ""  # as sent, without the stage
    signed: SignedRequest = field(init=False)
    api: RestApi = field(init=False)
    body: bytes = b""
    resource: RestResource = field(init=False)
    method: Method = field(init=False)
    integration: Integration = field(init=False)
    path_parameters: dict[str, str] = field(default_factory=dict)
    principal: Principal | None = None
    routed: bool = False
    authorizer: dict[str, Any] | None = None  # requestContext.authorizer
    usage_key: str | None = None  # the API key that a Lambda authorizer named
    api_key: ApiKey | None = None
    marks: dict[str, float] = field(default_factory=dict)  # instants of the integration, for the access log
    simulated: Simulated | None = None  # TestInvokeMethod or TestInvokeAuthorizer: nobody is connected
    log: ExecutionLog | None = None  # of a simulated request
    arn_stage: str = ""  # a stage that only ARNs name
    overrides: dict[str, Any] = field(
        default_factory=lambda: {
            "requestOverride": {"header": {}, "path": {}, "querystring": {}},
            "responseOverride": {"header": {}},
        }
    )

    @property
    def http_method(self) -> str:
        """The request's method."""
        return str(self.scope["method"])

    @property
    def domain(self) -> str:
        """The API's name in AWS's form."""
        if self.simulated:
            return "testPrefix.testDomainName"
        return f"{self.api_id}.execute-api.{self.region}.amazonaws.com"

    def mark(self, name: str) -> None:
        """Note when something of the integration happened first: called, headers, content, answered."""
        self.marks.setdefault(name, self.sandbox.clock.now())

    def sending(self, uri: str, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Note the request to the integration in the execution log, when there is one."""
        if self.log is not None:
            self.log.sending(uri, headers, body)

    def received(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Note the integration's answer in the execution log, when there is one."""
        if self.log is not None:
            self.log.received(status, headers, body)

    def header(self, name: str) -> str | None:
        """A request header by its lower-case name."""
        return self.signed.header(name)

    def query(self) -> list[tuple[str, str]]:
        """The query's parameters, decoded, in order."""
        return parse_qsl(self.signed.query, keep_blank_values=True)

    def sent_headers(self) -> Pairs:
        """The request's headers in the client's own case, without the pseudo headers of HTTP/2."""
        return [(name, value) for name, value in self.signed.headers if not name.startswith(":")]

    def arn(self, path: str | None = None) -> str:
        """The method as IAM and resource policies name it; ``path``: other than the resource's own."""
        account = self.sandbox.settings.account
        where = f"{self.api_id}/{self.arn_stage or self.stage}/{self.http_method}{path or self.resource.path}"
        return f"arn:aws:execute-api:{self.region}:{account}:{where}"

    def context(self) -> dict[str, Any]:
        """``requestContext`` of an event."""
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC)
        context: dict[str, Any] = {
            "accountId": self.sandbox.settings.account,
            "apiId": self.api_id,
            "domainName": self.domain,
            "domainPrefix": self.domain.partition(".")[0],
            "extendedRequestId": self.extended_request_id,
            "httpMethod": self.http_method,
            "identity": self._identity(),
            "path": self.raw_path,
            "protocol": "HTTP/1.1",
            "requestId": self.request_id,
            "requestTime": f"{at:%d/%b/%Y:%H:%M:%S +0000}",
            "requestTimeEpoch": self.at_ms,
            "stage": self.stage,
        }
        if self.simulated:
            context["path"] = self.resource.path
        if self.routed:
            if not self.simulated:
                context["deploymentId"] = self.api.deployment_id
            context["resourceId"] = self.resource.id
            context["resourcePath"] = self.resource.path
        if self.authorizer is not None:
            context["authorizer"] = dict(self.authorizer)
        return dict(sorted(context.items()))

    def variables(self) -> dict[str, Any]:
        """``$context`` of templates, mappings and access logs: it tells a canary's request (recorded)."""
        canary = hasattr(self, "api") and self.api.is_canary
        return {**self.context(), "isCanaryRequest": "true" if canary else "false"}

    def _identity(self) -> dict[str, Any]:
        caller = self.simulated.caller if self.simulated else self.principal
        key = {"apiKey": self.api_key.value, "apiKeyId": self.api_key.id} if self.api_key else {}
        agent = self.header("user-agent")
        if self.simulated:
            key = {"apiKey": "test-invoke-api-key", "apiKeyId": "test-invoke-api-key-id"}
            agent = self.simulated.user_agent
        return {
            **key,
            "accessKey": caller.access_key if caller else None,
            "accountId": caller.account if caller else None,
            "caller": caller.user_id if caller else None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": self.source_ip,
            "user": caller.user_id if caller else None,
            "userAgent": agent,
            "userArn": caller.arn if caller else None,
        }
