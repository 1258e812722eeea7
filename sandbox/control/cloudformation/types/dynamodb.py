"""DynamoDB tables."""

from __future__ import annotations

from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.base import Request, ResourceType, document, tags_changed

_CREATE = (
    "AttributeDefinitions BillingMode DeletionProtectionEnabled KeySchema LocalSecondaryIndexes "
    "OnDemandThroughput "
    "ProvisionedThroughput TableClass Tags WarmThroughput"
)


class Table(ResourceType):
    type = "AWS::DynamoDB::Table"
    spec = (
        "AttributeDefinitions[] BillingMode ContributorInsightsSpecification{} DeletionProtectionEnabled "
        "GlobalSecondaryIndexes[] ImportSourceSpecification*{} KeySchema!* KinesisStreamSpecification{} "
        "LocalSecondaryIndexes*[] OnDemandThroughput{} PointInTimeRecoverySpecification{} "
        "ProvisionedThroughput{} ResourcePolicy{} SSESpecification{} StreamSpecification{} TableClass "
        "TableName* Tags[] TimeToLiveSpecification{} WarmThroughput{}"
    )
    attributes = "Arn StreamArn"

    async def create(self, r: Request) -> None:
        if "ImportSourceSpecification" in r.properties:
            raise ResourceError(
                "The sandbox does not emulate ImportSourceSpecification of AWS::DynamoDB::Table."
            )
        name = r.get("TableName") or r.name(255)
        values = r.pick(_CREATE)
        if "GlobalSecondaryIndexes" in r.properties:
            values["GlobalSecondaryIndexes"] = _indexes(r["GlobalSecondaryIndexes"])
        if "StreamSpecification" in r.properties:
            values["StreamSpecification"] = _stream(r["StreamSpecification"])
        if "SSESpecification" in r.properties:
            values["SSESpecification"] = _sse(r["SSESpecification"])
        made = await r.send("dynamodb", "CreateTable", {**values, "TableName": name})
        r.physical_id = name
        self._read(r, made["TableDescription"])
        await self._settings(r)

    def _read(self, r: Request, table: dict[str, Any]) -> None:
        r.attributes = {"Arn": table["TableArn"]}
        if "LatestStreamArn" in table:
            r.attributes["StreamArn"] = table["LatestStreamArn"]

    async def update(self, r: Request) -> None:
        for values in self._changes(r):
            made = await r.send("dynamodb", "UpdateTable", {"TableName": r.physical_id, **values})
            self._read(r, made["TableDescription"])
        await self._settings(r)
        added, removed = tags_changed(r)
        arn = r.attributes["Arn"]
        if added:
            await r.call("dynamodb", "TagResource", ResourceArn=arn, Tags=added)
        if removed:
            await r.call("dynamodb", "UntagResource", ResourceArn=arn, TagKeys=removed)

    def _changes(self, r: Request) -> list[dict[str, Any]]:
        """One UpdateTable each, as DynamoDB wants it: settings, stream, indexes one by one."""
        calls: list[dict[str, Any]] = []
        names = "BillingMode ProvisionedThroughput DeletionProtectionEnabled TableClass OnDemandThroughput"
        settings = {n: r[n] for n in names.split() if r.changed(n) and n in r.properties}
        if settings:
            calls.append(settings)
        if r.changed("StreamSpecification"):
            if "StreamSpecification" in r.previous:
                calls.append({"StreamSpecification": {"StreamEnabled": False}})
            if "StreamSpecification" in r.properties:
                calls.append({"StreamSpecification": _stream(r["StreamSpecification"])})
        if r.changed("SSESpecification"):
            calls.append({"SSESpecification": _sse(r.get("SSESpecification") or {"SSEEnabled": False})})
        new = {i["IndexName"]: i for i in _indexes(r.get("GlobalSecondaryIndexes") or [])}
        old = {i["IndexName"]: i for i in _indexes(r.previous.get("GlobalSecondaryIndexes") or [])}
        for name in [n for n in old if new.get(n) != old[n]]:
            calls.append({"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]})
        for name, index in new.items():
            if old.get(name) != index:
                definitions = r["AttributeDefinitions"]
                calls.append(
                    {"GlobalSecondaryIndexUpdates": [{"Create": index}], "AttributeDefinitions": definitions}
                )
        return calls

    async def _settings(self, r: Request) -> None:
        name = r.physical_id
        if r.changed("TimeToLiveSpecification"):
            old, new = r.previous.get("TimeToLiveSpecification"), r.get("TimeToLiveSpecification")
            wanted = new or {**(old or {}), "Enabled": False}
            await r.send(
                "dynamodb", "UpdateTimeToLive", {"TableName": name, "TimeToLiveSpecification": wanted}
            )
        if r.changed("PointInTimeRecoverySpecification"):
            wanted = r.get("PointInTimeRecoverySpecification") or {"PointInTimeRecoveryEnabled": False}
            values = {"TableName": name, "PointInTimeRecoverySpecification": wanted}
            await r.send("dynamodb", "UpdateContinuousBackups", values)
        if r.changed("ResourcePolicy") and "ResourcePolicy" in r.properties:
            policy = document(r["ResourcePolicy"]["PolicyDocument"])
            await r.call("dynamodb", "PutResourcePolicy", ResourceArn=r.attributes["Arn"], Policy=policy)

    async def delete(self, r: Request) -> None:
        await r.call("dynamodb", "DeleteTable", TableName=r.physical_id)


def _stream(given: dict[str, Any]) -> dict[str, Any]:
    return {"StreamEnabled": True, "StreamViewType": given["StreamViewType"]}


def _sse(given: dict[str, Any]) -> dict[str, Any]:
    return {("Enabled" if key == "SSEEnabled" else key): value for key, value in given.items()}


def _indexes(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in i.items() if k != "ContributorInsightsSpecification"} for i in given]


class GlobalTable(ResourceType):
    """A global table with one replica, in this Region: a table."""

    type = "AWS::DynamoDB::GlobalTable"
    spec = (
        "AttributeDefinitions[] BillingMode GlobalSecondaryIndexes[] GlobalTableSourceArn "
        "GlobalTableWitnesses[] KeySchema*[] LocalSecondaryIndexes*[] MultiRegionConsistency "
        "ReadOnDemandThroughputSettings{} ReadProvisionedThroughputSettings{} Replicas![] SSESpecification{} "
        "StreamSpecification{} TableName* TimeToLiveSpecification{} WarmThroughput{} "
        "WriteOnDemandThroughputSettings{} WriteProvisionedThroughputSettings{}"
    )
    attributes = "Arn StreamArn TableId"
    _table = Table()

    async def create(self, r: Request) -> None:
        self._as_table(r)
        await self._table.create(r)
        await self._id(r)

    async def update(self, r: Request) -> None:
        self._as_table(r)
        await self._table.update(r)
        await self._id(r)

    async def delete(self, r: Request) -> None:
        await self._table.delete(r)

    async def _id(self, r: Request) -> None:
        try:
            table = (await r.call("dynamodb", "DescribeTable", TableName=r.physical_id))["Table"]
        except AwsError as e:
            raise ResourceError(f"The table cannot be read: {e.message}") from e
        r.attributes["TableId"] = table.get("TableId", "")

    def _as_table(self, r: Request) -> None:
        for values in (r.properties, r.previous):
            if not values:
                continue
            regions = [replica["Region"] for replica in values["Replicas"]]
            if regions != [r.region]:
                raise ResourceError(
                    f"The sandbox has one Region, {r.region}: a global table cannot have replicas in {regions}."
                )
            if values.get("BillingMode", "PAY_PER_REQUEST") != "PAY_PER_REQUEST":
                raise ResourceError(
                    "The sandbox emulates global tables with BillingMode PAY_PER_REQUEST only."
                )
            replica = {k: v for k, v in values["Replicas"][0].items() if k in ("Tags", "TableClass")}
            kept = {k: v for k, v in values.items() if k in self._table.names()}
            values.clear()
            values.update({"BillingMode": "PAY_PER_REQUEST", **kept, **replica})
