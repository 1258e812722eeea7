"""Which data planes there are: one line a service. The order is the order in which they are asked.

Those with signs have nothing to do at the start, and are imported when an address first bears one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType

from sandbox.context import Sandbox, Service
from sandbox.planes import Signs
from sandbox.services.alb import AlbService
from sandbox.services.app_runner import AppRunnerService
from sandbox.services.cognito import CognitoService
from sandbox.services.ecs import EcsService
from sandbox.services.eks import EksService
from sandbox.services.event_sources import EventSourceService
from sandbox.services.lambda_ import LambdaService


def _later(folder: str, name: str) -> Callable[[Sandbox], Service]:
    """What imports a data plane, and makes it."""

    def make(sandbox: Sandbox) -> Service:
        service: Service = getattr(_import(folder), name)(sandbox)
        return service

    return make


def _import(folder: str) -> ModuleType:
    return importlib.import_module(f"sandbox.services.{folder}.service")


@dataclass(frozen=True, slots=True)
class Plane:
    """How a data plane is made; without signs together with the sandbox."""

    make: Callable[[Sandbox], Service]
    signs: Signs | None = None


SERVICES: Mapping[str, Plane] = {
    "function_url": Plane(_later("function_url", "FunctionUrlService"), Signs(".lambda-url.")),
    "api_rest": Plane(_later("api_rest", "RestApiService"), Signs(".execute-api.")),
    "api_http": Plane(_later("api_http", "HttpApiService"), Signs(".execute-api.")),
    "api_websocket": Plane(_later("api_websocket", "WebSocketApiService"), Signs(".execute-api.")),
    "appsync": Plane(_later("appsync", "AppSyncService"), Signs(".appsync", ("/graphql",))),
    "appsync_events": Plane(_later("appsync_events", "EventsService"), Signs(".appsync", ("/event",))),
    "cognito": Plane(CognitoService),
    "iot": Plane(_later("iot", "IotService"), Signs(".iot.", ("/mqtt", "/topics/"))),
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
            _import(name)
