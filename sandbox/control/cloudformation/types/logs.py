"""CloudWatch Logs."""

from __future__ import annotations

from sandbox.control.cloudformation.types.base import Request, ResourceType, tags_changed


class LogGroup(ResourceType):
    type = "AWS::Logs::LogGroup"
    spec = (
        "BearerTokenAuthenticationEnabled DataProtectionPolicy DeletionProtectionEnabled FieldIndexPolicies[] "
        "KmsKeyId LogGroupClass LogGroupName* ResourcePolicyDocument{} RetentionInDays Tags[]"
    )
    attributes = "Arn"

    async def create(self, r: Request) -> None:
        name = r.get("LogGroupName") or r.name(512)
        await r.send(
            "logs", "CreateLogGroup", {**r.pick("KmsKeyId LogGroupClass Tags"), "LogGroupName": name}
        )
        r.physical_id = name
        r.attributes = {"Arn": r.arn("logs", f"log-group:{name}:*")}
        await self._settings(r)

    async def update(self, r: Request) -> None:
        await self._settings(r)
        if r.changed("KmsKeyId"):
            if "KmsKeyId" in r.properties:
                await r.send("logs", "AssociateKmsKey", {**r.pick("KmsKeyId"), "LogGroupName": r.physical_id})
            else:
                await r.call("logs", "DisassociateKmsKey", logGroupName=r.physical_id)
        added, removed = tags_changed(r)
        if added:
            await r.send("logs", "TagLogGroup", {"LogGroupName": r.physical_id, "Tags": added})
        if removed:
            await r.call("logs", "UntagLogGroup", logGroupName=r.physical_id, tags=removed)

    async def _settings(self, r: Request) -> None:
        if r.changed("RetentionInDays"):
            if "RetentionInDays" in r.properties:
                values = {**r.pick("RetentionInDays"), "LogGroupName": r.physical_id}
                await r.send("logs", "PutRetentionPolicy", values)
            else:
                await r.call("logs", "DeleteRetentionPolicy", logGroupName=r.physical_id)
        if r.changed("DataProtectionPolicy") and "DataProtectionPolicy" in r.properties:
            await r.send(
                "logs", "PutDataProtectionPolicy",
                {"LogGroupIdentifier": r.physical_id, "PolicyDocument": r["DataProtectionPolicy"]},
            )  # fmt: skip

    async def delete(self, r: Request) -> None:
        await r.call("logs", "DeleteLogGroup", logGroupName=r.physical_id)


class LogStream(ResourceType):
    type = "AWS::Logs::LogStream"
    spec = "LogGroupName!* LogStreamName*"

    async def create(self, r: Request) -> None:
        name = r.get("LogStreamName") or r.name(512)
        await r.call("logs", "CreateLogStream", logGroupName=r["LogGroupName"], logStreamName=name)
        r.physical_id = name

    async def delete(self, r: Request) -> None:
        await r.call("logs", "DeleteLogStream", logGroupName=r["LogGroupName"], logStreamName=r.physical_id)


class SubscriptionFilter(ResourceType):
    type = "AWS::Logs::SubscriptionFilter"
    spec = (
        "ApplyOnTransformedLogs DestinationArn! Distribution EmitSystemFields[] FieldSelectionCriteria "
        "FilterName* FilterPattern! LogGroupName!* RoleArn"
    )

    async def create(self, r: Request) -> None:
        name = r.get("FilterName") or r.name(512)
        await r.send("logs", "PutSubscriptionFilter", {**r.properties, "FilterName": name})
        r.physical_id = name

    async def update(self, r: Request) -> None:
        await r.send("logs", "PutSubscriptionFilter", {**r.properties, "FilterName": r.physical_id})

    async def delete(self, r: Request) -> None:
        await r.call(
            "logs", "DeleteSubscriptionFilter", logGroupName=r["LogGroupName"], filterName=r.physical_id
        )


class MetricFilter(ResourceType):
    type = "AWS::Logs::MetricFilter"
    spec = (
        "ApplyOnTransformedLogs EmitSystemFieldDimensions[] FieldSelectionCriteria FilterName* FilterPattern! "
        "LogGroupName!* MetricTransformations![]"
    )

    async def create(self, r: Request) -> None:
        r.physical_id = r.get("FilterName") or r.name(512)
        await self.update(r)

    async def update(self, r: Request) -> None:
        await r.send("logs", "PutMetricFilter", {**r.properties, "FilterName": r.physical_id})

    async def delete(self, r: Request) -> None:
        await r.call("logs", "DeleteMetricFilter", logGroupName=r["LogGroupName"], filterName=r.physical_id)


class LogsResourcePolicy(ResourceType):
    type = "AWS::Logs::ResourcePolicy"
    spec = "PolicyDocument! PolicyName!*"

    async def create(self, r: Request) -> None:
        await self.update(r)
        r.physical_id = r["PolicyName"]

    async def update(self, r: Request) -> None:
        await r.send("logs", "PutResourcePolicy", r.properties)

    async def delete(self, r: Request) -> None:
        await r.call("logs", "DeleteResourcePolicy", policyName=r.physical_id)
