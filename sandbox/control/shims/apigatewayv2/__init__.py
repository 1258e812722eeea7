"""API Gateway HTTP and WebSocket APIs (``apigatewayv2``): wholly ours."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.call import Handler

__all__ = ["State", "handlers"]


def handlers(state: State) -> Mapping[str, Handler]:
    """The operations that there are; every other one is answered as not emulated."""
    # Imported when the service is first used: a sandbox that starts needs none of it.
    from sandbox.control.shims.apigatewayv2.apis import Apis
    from sandbox.control.shims.apigatewayv2.authorizers import Authorizers
    from sandbox.control.shims.apigatewayv2.deployments import Deployments
    from sandbox.control.shims.apigatewayv2.domains import Domains
    from sandbox.control.shims.apigatewayv2.exports import Exports
    from sandbox.control.shims.apigatewayv2.imports import Imports
    from sandbox.control.shims.apigatewayv2.integrations import Integrations
    from sandbox.control.shims.apigatewayv2.models import Models
    from sandbox.control.shims.apigatewayv2.routes import Routes
    from sandbox.control.shims.apigatewayv2.stages import Stages
    from sandbox.control.shims.apigatewayv2.tags import Tags

    parts = (
        Apis,
        Imports,
        Exports,
        Routes,
        Integrations,
        Authorizers,
        Models,
        Deployments,
        Stages,
        Tags,
        Domains,
    )
    made: dict[str, Handler] = {}
    for part in parts:
        made.update(part(state).handlers())
    return made
