"""Which API an address means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.appsync import GraphqlApi


async def find(sandbox: Sandbox, name: str) -> GraphqlApi | None:
    """A GraphQL API by the first label of its host, or by a custom domain."""
    appsync = sandbox.control.resources.appsync
    found = await appsync.graphql_api(name)
    if found is None and "." in name:
        owner = await appsync.domain(name)
        found = await appsync.graphql_api(owner) if owner else None
    return found
