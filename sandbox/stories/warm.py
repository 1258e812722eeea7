"""What every story needs from the disk, read once by the process whose forks play the stories.

A fork shares it: without this each of them would import and parse the same for a second.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

# Used in about every deployment.
_MOTOS = ("iam", "logs", "s3", "sts")
_CLIENTS = ("cloudformation", "iam", "lambda", "s3")
_ROUTED = ("iam", "lambda", "s3")

# Used by the templates in which one of the texts stands.
_BY_TEXT = {
    "apigateway": ("AWS::Serverless::Api", "AWS::ApiGateway::"),
    "apigatewayv2": ("AWS::Serverless::HttpApi", "AWS::ApiGatewayV2::"),
    "appsync": ("AWS::AppSync::",),
    "cognito-idp": ("AWS::Cognito::",),
    "dynamodb": ("AWS::Serverless::SimpleTable", "AWS::DynamoDB::"),
    "ecs": ("AWS::ECS::",),
    "elbv2": ("AWS::ElasticLoadBalancingV2::",),
    "iot": ("AWS::IoT::",),
    "sqs": ("AWS::SQS::",),
}

# What the sandbox imports only when one of these services is first asked for something.
_MODULES = {
    "apigateway": ("sandbox.services.api_rest.service",),
    "apigatewayv2": (  # of API Gateway's data planes the first is asked first, whatever the kind
        "sandbox.services.api_rest.service",
        "sandbox.services.api_http.service",
        "sandbox.services.api_websocket.service",
    ),
    "appsync": ("sandbox.services.appsync.engine", "sandbox.services.appsync_events.service"),
    "cognito-idp": ("jwt", "moto.cognitoidp.urls"),
    "dynamodb": ("moto.dynamodb.urls",),
    "elbv2": ("moto.ec2.models",),
    "iot": ("sandbox.services.iot.service",),
}


def services_of(templates: Iterable[Path]) -> list[str]:
    """Which services, besides those of every pattern, more than one of these templates uses."""
    texts = [template.read_text(encoding="utf-8", errors="replace") for template in templates]
    return [
        service
        for service, signs in _BY_TEXT.items()
        if sum(any(sign in text for sign in signs) for text in texts) > 1
    ]


def warm(services: Iterable[str] = ()) -> None:
    """Import, and read the models of the services that every pattern is deployed with, and of ``services``."""
    import anyio._backends._asyncio
    import httpcore
    import samtranslator.plugins.api.implicit_http_api_plugin
    import samtranslator.plugins.api.implicit_rest_api_plugin
    import samtranslator.translator.translator
    import uvicorn.lifespan.off
    import uvicorn.protocols.http.httptools_impl

    import mock_llm.app
    from mock_llm.text import words
    from sandbox.aws.tls import public_authorities
    from sandbox.control import calls, moto_backend, moto_ec2, shims, wire
    from sandbox.control.cloudformation import api

    del anyio, httpcore, samtranslator, uvicorn, mock_llm
    words()
    public_authorities()
    for package in (shims, api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)  # their operations are imported when first asked for
    more = tuple(services)
    moto_backend.warm(_MOTOS)
    asked_later = chain(*(_MODULES.get(service, ()) for service in more))
    with moto_ec2.adopted():
        for name in ("sandbox.services.function_url.service", *asked_later):
            importlib.import_module(name)
    calls.warm((*_CLIENTS, *more), "us-east-1")
    wire.warm((*_ROUTED, *more))
