"""Which data planes there are: one line a service. The order is the order in which they are asked.

Those with signs have nothing to do at the start, and are imported when an address first bears one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from sandbox.context import Sandbox, Service
from sandbox.planes import Signs
from sandbox.services.alb import AlbService
from sandbox.services.app_runner import AppRunnerService
from sandbox.services.cognito import CognitoService
from sandbox.services.ecs import EcsService
from sandbox.services.eks import EksService
from sandbox.services.event_sources import EventSourceService
from sandbox.services.lambda_ import LambdaService


def _function_url(sandbox: Sandbox) -> Service:
    from sandbox.services.function_url import FunctionUrlService

    return FunctionUrlService(sandbox)


def _api_rest(sandbox: Sandbox) -> Service:
    from sandbox.services.api_rest import RestApiService

    return RestApiService(sandbox)


def _api_http(sandbox: Sandbox) -> Service:
    from sandbox.services.api_http import HttpApiService

    return HttpApiService(sandbox)


def _api_websocket(sandbox: Sandbox) -> Service:
    from sandbox.services.api_websocket import WebSocketApiService

    return WebSocketApiService(sandbox)


def _appsync(sandbox: Sandbox) -> Service:
    from sandbox.services.appsync import AppSyncService

    return AppSyncService(sandbox)


def _appsync_events(sandbox: Sandbox) -> Service:
    from sandbox.services.appsync_events import EventsService

    return EventsService(sandbox)


def _iot(sandbox: Sandbox) -> Service:
    from sandbox.services.iot.service import IotService

    return IotService(sandbox)


@dataclass(frozen=True, slots=True)
class Plane:
    """How a data plane is made; without signs together with the sandbox."""

    make: Callable[[Sandbox], Service]
    signs: Signs | None = None


SERVICES: Mapping[str, Plane] = {
    "function_url": Plane(_function_url, Signs(".lambda-url.")),
    "api_rest": Plane(_api_rest, Signs(".execute-api.")),
    "api_http": Plane(_api_http, Signs(".execute-api.")),
    "api_websocket": Plane(_api_websocket, Signs(".execute-api.")),
    "appsync": Plane(_appsync, Signs(".appsync", ("/graphql",))),
    "appsync_events": Plane(_appsync_events, Signs(".appsync", ("/event",))),
    "cognito": Plane(CognitoService),
    "iot": Plane(_iot, Signs(".iot.", ("/mqtt", "/topics/"))),
    "alb": Plane(AlbService),
    "ecs": Plane(EcsService),
    "app_runner": Plane(AppRunnerService),
    "eks": Plane(EksService),
    "lambda": Plane(LambdaService),
    "event_sources": Plane(EventSourceService),
}


def furnish(sandbox: Sandbox) -> None:
    """Give a sandbox its data planes."""
    for name, plane in SERVICES.items():
        if plane.signs is None:
            sandbox.services[name] = plane.make(sandbox)
        else:
            sandbox.services.later(name, plane.signs, partial(plane.make, sandbox))


def load() -> None:
    """Import those that no address has asked for yet."""
    for name, plane in SERVICES.items():
        if plane.signs is not None:
            importlib.import_module(f"sandbox.services.{name}.service")
