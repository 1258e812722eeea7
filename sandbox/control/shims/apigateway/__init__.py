"""API Gateway REST APIs: all of an API is ours; keys, usage plans, domains and VPC links are moto's."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.apigateway.apis import Apis
from sandbox.control.shims.apigateway.deployments import Deployments
from sandbox.control.shims.apigateway.integrations import Integrations
from sandbox.control.shims.apigateway.methods import Methods
from sandbox.control.shims.apigateway.parts import Parts
from sandbox.control.shims.apigateway.stages import Stages
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.tree import Tree
from sandbox.control.shims.call import Handler

__all__ = ["State", "handlers"]


def handlers(state: State) -> Mapping[str, Handler]:
    """API Gateway's operations that are ours."""
    made: dict[str, Handler] = {}
    for part in (Apis, Tree, Methods, Integrations, Deployments, Stages, Parts):
        made.update(part(state).handlers())
    return made
