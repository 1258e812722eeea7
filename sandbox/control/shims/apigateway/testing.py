"""``TestInvokeMethod`` and ``TestInvokeAuthorizer``: the API as it is now, handed to the data plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sandbox.auth import Principal
from sandbox.aws.errors import NotEmulatedError
from sandbox.control.resources import RestApi
from sandbox.control.rest_tests import STAGE, AuthorizerTest, MethodTest, RestTests, Simulated
from sandbox.control.shims.apigateway.deployments import snapshot
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Api, bad_request, find, not_found
from sandbox.control.shims.call import Call, Handler


class Testing:
    """The two operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"TestInvokeMethod": self.method, "TestInvokeAuthorizer": self.authorizer}

    async def method(self, call: Call) -> Mapping[str, Any]:
        """``TestInvokeMethod``."""
        api, params = self._state.api(call), call.params
        if params.get("clientCertificateId"):
            raise NotEmulatedError("client certificates of API Gateway")
        verb = params["httpMethod"]
        stored = api.resource(params["resourceId"])
        methods = stored["resourceMethods"]
        if verb not in methods and "ANY" not in methods:
            raise not_found("Invalid Method identifier specified")
        request = await self._simulated(call, api, params.get("pathWithQueryString") or stored["path"])
        resource = next(r for r in request.api.resources if r.id == stored["id"])
        method = resource.methods.get(verb) or resource.methods["ANY"]
        if method.integration is None:
            raise bad_request("No integration defined for method")
        tested = await self._plane().test_method(MethodTest(request, resource, method, verb))
        many = _many(tested.headers)
        return {
            "status": tested.status,
            "body": tested.body.decode("utf-8", "replace"),
            "headers": {name: values[-1] for name, values in many.items()},
            "multiValueHeaders": many,
            "log": tested.log,
            "latency": tested.latency,
        }

    async def authorizer(self, call: Call) -> Mapping[str, Any]:
        """``TestInvokeAuthorizer``."""
        api, params = self._state.api(call), call.params
        authorizer = find(api.authorizers, params["authorizerId"], "Invalid Authorizer identifier specified")
        if params.get("additionalContext"):
            raise NotEmulatedError("additionalContext of TestInvokeAuthorizer")
        request = await self._simulated(call, api, params.get("pathWithQueryString") or "/")
        tested = await self._plane().test_authorizer(AuthorizerTest(request, authorizer))
        told: dict[str, Any] = {
            "clientStatus": tested.status,
            "log": tested.log,
            "latency": tested.latency,
            "principalId": tested.principal_id,
            "policy": tested.policy,
            "claims": tested.claims,
        }
        return {name: value for name, value in told.items() if value is not None}

    def _plane(self) -> RestTests:
        plane = self._state.sandbox.services.get("api_rest")
        if not isinstance(plane, RestTests):
            raise NotEmulatedError("tests of REST APIs without their data plane")
        return plane

    async def _simulated(self, call: Call, api: Api, path: str) -> Simulated:
        params = call.params
        access_key = call.target.access_key
        credential = await self._state.sandbox.control.secret_for(access_key) if access_key else None
        pairs = [(n, v) for n, values in (params.get("multiValueHeaders") or {}).items() for v in values]
        listed = {name.lower() for name, _ in pairs}
        pairs += [(n, v) for n, v in (params.get("headers") or {}).items() if n.lower() not in listed]
        return Simulated(
            api=as_it_is(api, params.get("stageVariables") or {}),
            region=call.target.region,
            path=path,
            headers=tuple(pairs),
            body=(params.get("body") or "").encode(),
            caller=Principal.of(credential) if credential else None,
            user_agent=call.request.header("user-agent"),
        )


def as_it_is(api: Api, variables: Mapping[str, str]) -> RestApi:
    """The API as a stage would serve it if it were deployed now."""
    now = snapshot(api)
    return RestApi(
        id=api.id,
        stage=STAGE,
        endpoint_type=cast(Any, api.endpoint_type),
        resources=now.resources,
        stage_variables=dict(variables),
        binary_media_types=now.binary_media_types,
        gateway_responses=now.gateway_responses,
        deployment_id="",
        authorizers=now.authorizers,
        models=now.models,
        validators=now.validators,
        policy=now.policy,
        api_key_source=cast(Any, now.api_key_source),
    )


def _many(pairs: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    many: dict[str, list[str]] = {}
    for name, value in pairs:
        many.setdefault(name, []).append(value)
    return many
