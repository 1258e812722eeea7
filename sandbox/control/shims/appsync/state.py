"""All GraphQL APIs and Event APIs, by Region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sandbox.context import Sandbox
from sandbox.control.paging import page
from sandbox.control.shims.appsync.store import (
    Document,
    EventRecord,
    GraphqlRecord,
    Owner,
    not_found,
)
from sandbox.control.shims.call import Call, Handler
from sandbox.control.validation import validate

PAGE = 25  # botocore: MaxResults is at most 25
ID_LENGTH = 26  # Amplify recognises a host of AppSync's by an id of 26 characters (appsyncUrl.ts)


class State:
    """Every Region's APIs and domain names. Only touched on the loop."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.graphql: dict[tuple[str, str], GraphqlRecord] = {}  # (Region, id)
        self.events: dict[tuple[str, str], EventRecord] = {}
        self.domains: dict[tuple[str, str], Document] = {}  # (Region, name)
        self.associations: dict[str, str] = {}  # domain name -> API id

    def reset(self) -> None:
        """Forget everything."""
        for kept in (self.graphql, self.events, self.domains, self.associations):
            kept.clear()

    def new_id(self) -> str:
        """An id of an API, a function or an endpoint."""
        return self.sandbox.ids.text(ID_LENGTH)

    def now(self) -> datetime:
        """The sandbox's date."""
        return self.sandbox.clock.utcnow()

    def arn(self, region: str, rest: str) -> str:
        """An ARN of AppSync's: ``arn:aws:appsync:us-east-1:000000000000:apis/abc``."""
        return f"arn:aws:appsync:{region}:{self.sandbox.settings.account}:{rest}"

    def host(self, endpoint: str, region: str, kind: str = "appsync-api") -> str:
        """A host name that reaches the endpoint on this machine (AWS: ``<id>.<kind>.<region>.amazonaws.com``)."""
        return f"{endpoint}.{kind}.{region}.localhost:{self.sandbox.settings.port}"

    def graphql_api(self, call: Call) -> GraphqlRecord:
        """The GraphQL API that a call's ``apiId`` names. Raises ``NotFoundException``."""
        api_id = call.params["apiId"]
        found = self.graphql.get((call.target.region, api_id))
        if found is None:
            raise not_found(f"GraphQL API {api_id} not found.")
        return found

    def event_api(self, call: Call) -> EventRecord:
        """The Event API that a call's ``apiId`` names. Raises ``NotFoundException``."""
        api_id = call.params["apiId"]
        found = self.events.get((call.target.region, api_id))
        if found is None:
            raise not_found(f"Api {api_id} not found.")
        return found

    def owner(self, call: Call) -> Owner:
        """The API of either kind that a call's ``apiId`` names."""
        found = self.events.get((call.target.region, call.params["apiId"]))
        return found or self.graphql_api(call)

    def anywhere(self, endpoint: str) -> Owner | None:
        """The API whose endpoint it is."""
        return next((api for api in self._all() if api.endpoint == endpoint), None)

    def by_id(self, api_id: str) -> Owner | None:
        """An API by its id, in whichever Region."""
        return next((api for api in self._all() if api.id == api_id), None)

    def _all(self) -> Iterator[Owner]:
        yield from self.graphql.values()
        yield from self.events.values()

    def listed(self, call: Call, items: Sequence[Document], member: str) -> Document:
        """A list in pages."""
        found, token = page(items, call.params.get("maxResults"), call.params.get("nextToken"), PAGE)
        return {member: found, **({"nextToken": token} if token else {})}


def checked(handlers: Mapping[str, Handler]) -> dict[str, Handler]:
    """Handlers that see parameters within the bounds of the service's model only."""

    def around(handler: Handler) -> Handler:
        async def answer(call: Call) -> Any:
            validate(call.operation.model, call.params)
            return await handler(call)

        return answer

    return {name: around(handler) for name, handler in handlers.items()}
