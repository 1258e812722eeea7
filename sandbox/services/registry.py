"""Which data planes there are: one line a service. The order is the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sandbox.context import Sandbox, Service
from sandbox.services.alb import AlbService
from sandbox.services.api_http import HttpApiService
from sandbox.services.api_rest import RestApiService
from sandbox.services.api_websocket import WebSocketApiService
from sandbox.services.app_runner import AppRunnerService
from sandbox.services.appsync import AppSyncService
from sandbox.services.appsync_events import EventsService
from sandbox.services.cognito import CognitoService
from sandbox.services.ecs import EcsService
from sandbox.services.eks import EksService
from sandbox.services.event_sources import EventSourceService
from sandbox.services.function_url import FunctionUrlService
from sandbox.services.iot import IotService
from sandbox.services.lambda_ import LambdaService

SERVICES: Mapping[str, Callable[[Sandbox], Service]] = {
    "function_url": FunctionUrlService,
    "api_rest": RestApiService,
    "api_http": HttpApiService,
    "api_websocket": WebSocketApiService,
    "appsync": AppSyncService,
    "appsync_events": EventsService,
    "cognito": CognitoService,
    "iot": IotService,
    "alb": AlbService,
    "ecs": EcsService,
    "app_runner": AppRunnerService,
    "eks": EksService,
    "lambda": LambdaService,
    "event_sources": EventSourceService,
}
