"""One operation on one resource: resolve its properties, call its type, note events."""

from __future__ import annotations

import copy
import logging
from datetime import timedelta
from typing import Any

from botocore.exceptions import ParamValidationError

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.engine.dynamic import resolve_dynamic
from sandbox.control.cloudformation.engine.engine import Engine
from sandbox.control.cloudformation.engine.graph import requirements
from sandbox.control.cloudformation.engine.stack import STACK_TYPE, Stack, StackEvent, StackResource
from sandbox.control.cloudformation.errors import PropertyError, ResourceError, ValidationError
from sandbox.control.cloudformation.template.intrinsics import resolve
from sandbox.control.cloudformation.template.model import ResourceSpec, Template
from sandbox.control.cloudformation.types import TYPES, Request, ResourceType
from sandbox.control.cloudformation.types.base import invalid_properties, is_gone

# Part of an error code -> HandlerErrorCode. Source: CloudFormation CLI User Guide, "Handler error codes".
_HANDLER_CODES = (
    ("AlreadyExists", "AlreadyExists"), ("Conflict", "ResourceConflict"), ("NotFound", "NotFound"),
    ("NoSuch", "NotFound"), ("AccessDenied", "AccessDenied"), ("Throttl", "Throttling"),
    ("TooManyRequests", "Throttling"), ("LimitExceeded", "ServiceLimitExceeded"), ("Invalid", "InvalidRequest"),
    ("Validation", "InvalidRequest"), ("BadRequest", "InvalidRequest"), ("Malformed", "InvalidRequest"),
)  # fmt: skip

_log = logging.getLogger(__name__)


def resource_type(name: str) -> ResourceType:
    """The type's implementation; ``Custom::`` names share one."""
    return TYPES["AWS::CloudFormation::CustomResource" if name.startswith("Custom::") else name]


class Work:
    """Does operations on the resources of one stack for one template."""

    def __init__(self, engine: Engine, stack: Stack, template: Template) -> None:
        self.engine = engine
        self.sandbox = engine.sandbox
        self.stack = stack
        self.template = template

    def note(
        self,
        status: str,
        reason: str | None = None,
        resource: StackResource | None = None,
        properties: dict[str, Any] | None = None,
    ) -> None:
        """Add an event, for the stack itself or for a resource, and set its status."""
        now = self.sandbox.clock.utcnow()
        stack = self.stack
        if stack.events:  # clients sort by time: on a clock that stands still, events are a millisecond apart
            now = max(now, stack.events[-1].at + timedelta(milliseconds=1))
        if resource is None:
            stack.status, stack.reason = status, reason
            names = (stack.name, stack.id, STACK_TYPE)
        else:
            resource.status, resource.reason, resource.updated = status, reason, now
            names = (resource.logical_id, resource.physical_id, resource.type)
        event_id = self.sandbox.ids.uuid()
        if resource is not None:
            event_id = f"{resource.logical_id}-{status}-{now.strftime('%Y-%m-%dT%H:%M:%S.%f')[:-3]}Z"
        stack.events.append(StackEvent(event_id, now, *names, status, reason, properties, stack.token))

    async def properties(self, spec: ResourceSpec) -> dict[str, Any]:
        """A resource's properties, resolved. Raises :class:`ResourceError`."""
        try:
            found = resolve(dict(spec.properties), self.engine.scope(self.stack, self.template))
            return dict(await resolve_dynamic(found, self.sandbox.control.call))
        except ValidationError as e:
            raise ResourceError(e.message) from e

    async def create(
        self, spec: ResourceSpec, properties: dict[str, Any] | None = None, word: str = "CREATE"
    ) -> StackResource:
        """Create a resource (``word`` is UPDATE when it replaces another).

        Raises :class:`ResourceError`, after the event; what exists by then is kept on the stack for the rollback.
        """
        resource = StackResource(spec, requires=requirements(spec, self.template.resources))
        self.stack.resources[spec.logical_id] = resource
        try:
            resource.properties = await self.properties(spec) if properties is None else properties
        except ResourceError as e:
            self.note("CREATE_FAILED", str(e), resource)
            raise
        if word == "CREATE":
            self.note("CREATE_IN_PROGRESS", None, resource, resource.properties)
        await self._run("create", resource, word, {})
        return resource

    async def update(self, resource: StackResource, spec: ResourceSpec, properties: dict[str, Any]) -> None:
        """Update a resource in place. Raises :class:`ResourceError`, after the event."""
        previous, resource.properties = resource.properties, properties
        resource.spec = spec
        self.note("UPDATE_IN_PROGRESS", None, resource, properties)
        try:
            await self._run("update", resource, "UPDATE", previous)
        except ResourceError:
            resource.properties = previous
            raise

    async def _run(self, method: str, resource: StackResource, word: str, previous: dict[str, Any]) -> None:
        type_ = resource_type(resource.type)
        request = self._request(resource, previous)
        shown = False

        def initiated() -> None:
            nonlocal shown
            resource.physical_id, shown = request.physical_id, True
            self.note(f"{word}_IN_PROGRESS", "Resource creation Initiated", resource, resource.properties)

        request.initiated = initiated
        failure: str | None = None
        try:
            type_.check(resource.logical_id, resource.properties)
            await getattr(type_, method)(request)
        except AwsError as e:
            failure = self._reason(e)
        except PropertyError as e:
            failure = str(invalid_properties(resource.logical_id, [str(e)]))
        except ResourceError as e:
            failure = str(e)
        except ParamValidationError as e:
            failure = str(invalid_properties(resource.logical_id, [str(e)]))
        except Exception as e:  # the stack must come to an end, whatever a handler does
            _log.exception("%s of %s (%s)", method, resource.logical_id, resource.type)
            failure = self._handler_said(f"{type(e).__name__}: {e}", "InternalFailure")
        resource.physical_id, resource.attributes = request.physical_id, request.attributes
        if method == "create" and resource.physical_id and not shown:
            initiated()
        if failure is not None:
            self.note(f"{word}_FAILED", failure, resource, resource.properties)
            raise ResourceError(failure)
        self.note(f"{word}_COMPLETE", None, resource, resource.properties)

    async def delete(self, resource: StackResource) -> None:
        """Delete a resource. Raises :class:`ResourceError`, after the event."""
        self.note("DELETE_IN_PROGRESS", None, resource)
        request = self._request(resource, {})
        try:
            if resource.physical_id:
                await resource_type(resource.type).delete(request)
        except AwsError as e:
            if not is_gone(e):
                self.note("DELETE_FAILED", self._reason(e), resource)
                raise ResourceError(self._reason(e)) from e
        except ResourceError as e:
            self.note("DELETE_FAILED", str(e), resource)
            raise
        except Exception as e:
            _log.exception("delete of %s (%s)", resource.logical_id, resource.type)
            reason = self._handler_said(f"{type(e).__name__}: {e}", "InternalFailure")
            self.note("DELETE_FAILED", reason, resource)
            raise ResourceError(reason) from e
        self.note("DELETE_COMPLETE", None, resource)

    def _request(self, resource: StackResource, previous: dict[str, Any]) -> Request:
        return Request(
            self.sandbox,
            self.stack,
            resource.logical_id,
            resource.type,
            copy.deepcopy(resource.properties),
            resource.physical_id,
            copy.deepcopy(previous),
            dict(resource.attributes),
        )

    def _reason(self, error: AwsError) -> str:
        code = next((to for part, to in _HANDLER_CODES if part in error.code), "GeneralServiceException")
        said = f"{error.message} (Status Code: {error.status}, Error Code: {error.code})"
        return self._handler_said(said, code)

    def _handler_said(self, what: str, code: str) -> str:
        token = self.sandbox.ids.uuid()
        return (
            f'Resource handler returned message: "{what}" (RequestToken: {token}, HandlerErrorCode: {code})'
        )
