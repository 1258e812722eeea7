"""API Gateway REST APIs: APIs, keys and usage plans are ours; domains and VPC links are moto's."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.call import Call, Handler

__all__ = ["State", "handlers"]


# Operations on a REST API that moto has, or may get: it does not know the APIs, which are ours.
NOT_EMULATED = (
    *("GetSdk", "GetModelTemplate"),
    *("CreateDocumentationPart", "GetDocumentationPart", "GetDocumentationParts", "ImportDocumentationParts"),
    *("UpdateDocumentationPart", "DeleteDocumentationPart", "CreateDocumentationVersion"),
    *("GetDocumentationVersion", "GetDocumentationVersions", "UpdateDocumentationVersion"),
    *("DeleteDocumentationVersion", "CreateBasePathMapping", "UpdateBasePathMapping"),
)


async def _refuse(call: Call) -> None:
    raise NotEmulatedError(f"API Gateway {call.operation.name}")


def handlers(state: State) -> Mapping[str, Handler]:
    """API Gateway's operations that are ours."""
    # Imported when the service is first used: a sandbox that starts needs none of it.
    from sandbox.control.shims.apigateway.api_keys import ApiKeys
    from sandbox.control.shims.apigateway.apis import Apis
    from sandbox.control.shims.apigateway.deployments import Deployments
    from sandbox.control.shims.apigateway.exports import Exports
    from sandbox.control.shims.apigateway.integrations import Integrations
    from sandbox.control.shims.apigateway.methods import Methods
    from sandbox.control.shims.apigateway.parts import Parts
    from sandbox.control.shims.apigateway.stages import Stages
    from sandbox.control.shims.apigateway.testing import Testing
    from sandbox.control.shims.apigateway.tree import Tree
    from sandbox.control.shims.apigateway.usage_plans import UsagePlans

    made: dict[str, Handler] = dict.fromkeys(NOT_EMULATED, _refuse)
    for part in (
        Apis,
        Tree,
        Methods,
        Integrations,
        Deployments,
        Stages,
        Parts,
        ApiKeys,
        UsagePlans,
        Testing,
        Exports,
    ):
        made.update(part(state).handlers())
    return made
