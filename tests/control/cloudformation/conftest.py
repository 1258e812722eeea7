"""A control plane of its own for each test, without sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from sandbox.aws.ids import IdSource
from sandbox.clock import Clock, run
from sandbox.context import Sandbox, Settings
from sandbox.control import create_control
from sandbox.limits import Limits
from sandbox.timeline import Timeline

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Lab:
    """CloudFormation as a client sees it, and the services behind it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def aws(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Any AWS API."""
        found: dict[str, Any] = await self.sandbox.control.call(service, operation, **params)
        return found

    async def cfn(self, operation: str, **params: Any) -> dict[str, Any]:
        """CloudFormation's API."""
        return await self.aws("cloudformation", operation, **params)

    async def stack(self, name: str = "s") -> dict[str, Any]:
        """A stack, at rest."""
        found: dict[str, Any] = (await self.cfn("DescribeStacks", StackName=name))["Stacks"][0]
        return found

    async def create(self, template: str, name: str = "s", **params: Any) -> dict[str, Any]:
        """Create a stack and wait."""
        capabilities = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
        params = {"Capabilities": capabilities, **params}
        made = await self.cfn("CreateStack", StackName=name, TemplateBody=template, **params)
        return await self.stack(made["StackId"])

    async def update(self, template: str, name: str = "s", **params: Any) -> dict[str, Any]:
        """Update a stack and wait."""
        capabilities = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
        params = {"Capabilities": capabilities, **params}
        await self.cfn("UpdateStack", StackName=name, TemplateBody=template, **params)
        return await self.stack(name)

    async def delete(self, name: str = "s") -> dict[str, Any]:
        """Delete a stack and wait."""
        stack_id = (await self.stack(name))["StackId"]
        await self.cfn("DeleteStack", StackName=name)
        return await self.stack(stack_id)

    async def events(self, name: str = "s") -> list[tuple[str, str]]:
        """(logical id, status) of all events, oldest first."""
        found = (await self.cfn("DescribeStackEvents", StackName=name))["StackEvents"]
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(found)]

    async def reason(self, logical_id: str, name: str = "s") -> str:
        """Why a resource failed."""
        found = (await self.cfn("DescribeStackEvents", StackName=name))["StackEvents"]
        return next(
            str(e["ResourceStatusReason"])
            for e in found
            if e["LogicalResourceId"] == logical_id and e["ResourceStatus"].endswith("_FAILED")
        )

    async def physical(self, logical_id: str, name: str = "s") -> str:
        """A resource's physical id."""
        found = await self.cfn("DescribeStackResource", StackName=name, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def outputs(self, stack: dict[str, Any]) -> dict[str, str]:
        """Outputs by name."""
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


Test = Callable[[Lab], Awaitable[None]]


@pytest.fixture
def play() -> Callable[[Test], None]:
    """Run a test's body on a sandbox's virtual clock."""

    def playing(body: Test) -> None:
        async def main(clock: Clock) -> None:
            sandbox = Sandbox(
                settings=Settings(),
                clock=clock,
                limits=Limits(date(2026, 3, 1)),
                timeline=Timeline(clock.now),
                ids=IdSource(7),
            )
            control = create_control(sandbox)
            sandbox.control = control
            try:
                await body(Lab(sandbox))
            finally:
                await control.stop()

        run(main, "virtual", START)

    return playing
