"""AppSync's GraphQL APIs and Event APIs (``appsync``): wholly ours."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.appsync.state import State, checked
from sandbox.control.shims.call import Handler

__all__ = ["State", "handlers"]


def handlers(state: State) -> Mapping[str, Handler]:
    """The operations that there are; every other one is answered as not emulated."""
    # Imported when the service is first used: a sandbox that starts needs none of it.
    from sandbox.control.shims.appsync.data_sources import DataSources
    from sandbox.control.shims.appsync.domains import Domains
    from sandbox.control.shims.appsync.evaluate import Evaluate
    from sandbox.control.shims.appsync.events import EventApis, Namespaces
    from sandbox.control.shims.appsync.graphql_apis import GraphqlApis
    from sandbox.control.shims.appsync.keys import Keys
    from sandbox.control.shims.appsync.resolvers import Functions, Resolvers
    from sandbox.control.shims.appsync.schemas import Schemas
    from sandbox.control.shims.appsync.tags import Tags

    parts = (
        *(GraphqlApis, Schemas, Keys, DataSources, Resolvers, Functions),
        *(EventApis, Namespaces, Domains, Tags, Evaluate),
    )
    made: dict[str, Handler] = {}
    for part in parts:
        made.update(part(state).handlers())
    return checked(made)
