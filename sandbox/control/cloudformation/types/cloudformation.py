"""CloudFormation's own types: nested stacks, wait handles, CDK metadata."""

from __future__ import annotations

from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.base import Request, ResourceType

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


class NestedStack(ResourceType):
    type = "AWS::CloudFormation::Stack"
    spec = "NotificationARNs[] Parameters{} Tags[] TemplateURL! TimeoutInMinutes"
    attributes = "StackId Outputs."

    async def create(self, r: Request) -> None:
        name = r.name(128)
        made = await r.call("cloudformation", "CreateStack", StackName=name, **self._values(r))
        r.physical_id = made["StackId"]
        r.initiated()  # clients that show events follow the stack from here on
        await self._finish(r, "CREATE_COMPLETE")

    async def update(self, r: Request) -> None:
        try:
            await r.call("cloudformation", "UpdateStack", StackName=r.physical_id, **self._values(r))
        except AwsError as e:
            if "No updates are to be performed" not in e.message:
                raise
        await self._finish(r, "CREATE_COMPLETE", "UPDATE_COMPLETE")

    async def delete(self, r: Request) -> None:
        await r.call("cloudformation", "DeleteStack", StackName=r.physical_id)
        stack = await self._settled(r)
        if stack["StackStatus"] != "DELETE_COMPLETE":
            raise ResourceError(
                f"Embedded stack {r.physical_id} was not successfully deleted: {stack.get('StackStatusReason', '')}"
            )

    def _values(self, r: Request) -> dict[str, Any]:
        parameters = r.get("Parameters") or {}
        return {
            "TemplateURL": r["TemplateURL"],
            "Parameters": [
                {"ParameterKey": k, "ParameterValue": ",".join(v) if isinstance(v, list) else str(v)}
                for k, v in parameters.items()
            ],
            "Capabilities": _CAPABILITIES,  # the outer stack's were checked by what it may create
            **r.pick("Tags NotificationARNs"),
        }

    async def _settled(self, r: Request) -> dict[str, Any]:
        while True:  # each answer is held while the stack is in motion
            answer = await r.call("cloudformation", "DescribeStacks", StackName=r.physical_id)
            stack: dict[str, Any] = answer["Stacks"][0]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return stack

    async def _why(self, r: Request) -> str:
        """What the embedded stack gave as the reason when it failed: it may have rolled back since."""
        answer = await r.call("cloudformation", "DescribeStackEvents", StackName=r.physical_id)
        own = (e for e in answer["StackEvents"] if e["PhysicalResourceId"] == r.physical_id)
        reasons = (e.get("ResourceStatusReason", "") for e in own)
        found = next(
            (reason for reason in reasons if reason.startswith("The following resource(s) failed")), ""
        )
        return str(found).removesuffix("Rollback requested by user.")

    async def _finish(self, r: Request, *good: str) -> None:
        stack = await self._settled(r)
        outputs = {f"Outputs.{o['OutputKey']}": o["OutputValue"] for o in stack.get("Outputs") or []}
        r.attributes = {"StackId": r.physical_id, **outputs}
        if stack["StackStatus"] not in good:
            reason = await self._why(r)
            raise ResourceError(
                f"Embedded stack {r.physical_id} was not successfully created: {reason}"
                if len(good) == 1
                else f"Embedded stack {r.physical_id} was not successfully updated. Currently in "
                f"{stack['StackStatus']} with reason: {reason}"
            )


class WaitConditionHandle(ResourceType):
    type = "AWS::CloudFormation::WaitConditionHandle"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        handle = f"cloudformation-waitcondition-{r.region}"
        r.physical_id = f"https://{handle}.s3.amazonaws.com/{r.stack.id}/{r.logical_id}"
        r.attributes = {"Id": r.physical_id}

    async def update(self, r: Request) -> None:
        """It has no properties."""

    async def delete(self, r: Request) -> None:
        """Nothing holds it."""


class CdkMetadata(ResourceType):
    """What the CDK adds to count its uses."""

    type = "AWS::CDK::Metadata"
    open = True

    async def create(self, r: Request) -> None:
        r.physical_id = r.sandbox.ids.uuid()

    async def update(self, r: Request) -> None:
        """Nothing reads it."""

    async def delete(self, r: Request) -> None:
        """Nothing holds it."""
