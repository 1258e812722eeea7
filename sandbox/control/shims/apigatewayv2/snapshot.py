"""What a deployment freezes: routes, integrations, authorizers and models as the data planes read them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sandbox.control.resources import V2Api, V2Authorizer, V2Integration, V2Route, V2Throttle
from sandbox.control.shims.apigatewayv2.store import Api, Document, Snapshot, WithResponses


def take(api: Api) -> Snapshot:
    """An API as it is now."""
    integrations = {key: _integration(kept) for key, kept in api.integrations.items()}
    routes = [_route(kept, integrations) for kept in api.routes.values()]
    return Snapshot(
        routes={route.key: route for route in routes},
        authorizers={key: _authorizer(document) for key, document in api.authorizers.items()},
        models={model["Name"]: copy.deepcopy(model) for model in api.models.values()},
        info=copy.deepcopy(api.info),
    )


def served(api: Api, stage_name: str, results_epoch: int = 0) -> V2Api | None:
    """What a stage serves; ``None`` when there is no such stage or nothing is deployed to it."""
    stage = api.stages.get(stage_name)
    if stage is None or not stage.get("DeploymentId"):
        return None
    snapshot = api.deployments[stage["DeploymentId"]].snapshot
    info = snapshot.info
    return V2Api(
        id=api.id,
        name=info["Name"],
        protocol=info["ProtocolType"],
        stage=stage_name,
        route_selection=info["RouteSelectionExpression"],
        api_key_selection=info["ApiKeySelectionExpression"],
        routes=snapshot.routes,
        authorizers=snapshot.authorizers,
        models=snapshot.models,
        stage_variables=stage.get("StageVariables") or {},
        cors=info.get("CorsConfiguration"),
        deployment_id=stage["DeploymentId"],
        disable_execute_api_endpoint=bool(info.get("DisableExecuteApiEndpoint")),
        default_throttle=_throttle(stage.get("DefaultRouteSettings") or {}),
        route_throttle={key: _throttle(given) for key, given in (stage.get("RouteSettings") or {}).items()},
        results_epoch=results_epoch,
    )


def _throttle(settings: Mapping[str, Any]) -> V2Throttle:
    return V2Throttle(settings.get("ThrottlingBurstLimit"), settings.get("ThrottlingRateLimit"))


def _route(kept: WithResponses, integrations: Mapping[str, V2Integration]) -> V2Route:
    document = kept.document
    return V2Route(
        id=document["RouteId"],
        key=document["RouteKey"],
        authorization=document["AuthorizationType"],
        authorizer_id=document.get("AuthorizerId"),
        scopes=tuple(document.get("AuthorizationScopes") or ()),
        api_key_required=document["ApiKeyRequired"],
        integration=integrations.get(str(document.get("Target", "")).removeprefix("integrations/")),
        models=dict(document.get("RequestModels") or {}),
        model_selection=document.get("ModelSelectionExpression"),
        response_selection=document.get("RouteResponseSelectionExpression"),
        responses=_by_key(kept, "RouteResponseKey"),
        operation=document.get("OperationName"),
    )


def _integration(kept: WithResponses) -> V2Integration:
    document = kept.document
    return V2Integration(
        id=document["IntegrationId"],
        type=document["IntegrationType"],
        subtype=document.get("IntegrationSubtype"),
        uri=document.get("IntegrationUri", ""),
        method=document.get("IntegrationMethod", ""),
        timeout_ms=document["TimeoutInMillis"],
        payload_format=document["PayloadFormatVersion"],
        credentials=document.get("CredentialsArn"),
        content_handling=document.get("ContentHandlingStrategy"),
        passthrough=document.get("PassthroughBehavior", "WHEN_NO_MATCH"),
        template_selection=document.get("TemplateSelectionExpression"),
        request_parameters=dict(document.get("RequestParameters") or {}),
        request_templates=dict(document.get("RequestTemplates") or {}),
        response_parameters=copy.deepcopy(document.get("ResponseParameters") or {}),
        responses=_by_key(kept, "IntegrationResponseKey"),
        connection_type=document.get("ConnectionType", "INTERNET"),
        connection_id=document.get("ConnectionId"),
    )


def _by_key(kept: WithResponses, member: str) -> dict[str, Document]:
    return {response[member]: copy.deepcopy(response) for response in kept.responses.values()}


def _authorizer(document: Document) -> V2Authorizer:
    jwt = document.get("JwtConfiguration") or {}
    return V2Authorizer(
        id=document["AuthorizerId"],
        name=document["Name"],
        type=document["AuthorizerType"],
        identity_source=tuple(document.get("IdentitySource") or ()),
        issuer=jwt.get("Issuer"),
        audience=tuple(jwt.get("Audience") or ()),
        uri=document.get("AuthorizerUri"),
        credentials=document.get("AuthorizerCredentialsArn"),
        payload_format=document.get("AuthorizerPayloadFormatVersion"),
        simple_responses=bool(document.get("EnableSimpleResponses")),
        ttl_s=document.get("AuthorizerResultTtlInSeconds", 0),
    )
