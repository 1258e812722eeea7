"""KMS keys and aliases."""

from __future__ import annotations

from sandbox.control.cloudformation.types.base import Request, ResourceType, policy_text, tags_changed


class Key(ResourceType):
    type = "AWS::KMS::Key"
    spec = (
        "BypassPolicyLockoutSafetyCheck Description EnableKeyRotation Enabled KeyPolicy KeySpec KeyUsage "
        "MultiRegion Origin PendingWindowInDays RotationPeriodInDays Tags[]"
    )
    attributes = "Arn KeyId"

    async def create(self, r: Request) -> None:
        values = r.pick("BypassPolicyLockoutSafetyCheck Description KeySpec KeyUsage MultiRegion Origin")
        if "KeyPolicy" in r.properties:
            values["Policy"] = policy_text(r["KeyPolicy"])
        tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in r.get("Tags") or []]
        made = await r.send("kms", "CreateKey", {**values, "Tags": tags})
        r.physical_id = made["KeyMetadata"]["KeyId"]
        r.attributes = {"Arn": made["KeyMetadata"]["Arn"], "KeyId": r.physical_id}
        await self._settings(r)

    async def update(self, r: Request) -> None:
        key = {"KeyId": r.physical_id}
        if r.changed("Description"):
            await r.call("kms", "UpdateKeyDescription", **key, Description=r.get("Description", ""))
        if r.changed("KeyPolicy") and "KeyPolicy" in r.properties:
            await r.call(
                "kms", "PutKeyPolicy", **key, PolicyName="default", Policy=policy_text(r["KeyPolicy"])
            )
        added, removed = tags_changed(r)
        if added:
            tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in added]
            await r.call("kms", "TagResource", **key, Tags=tags)
        if removed:
            await r.call("kms", "UntagResource", **key, TagKeys=removed)
        await self._settings(r)

    async def _settings(self, r: Request) -> None:
        key = {"KeyId": r.physical_id}
        if r.changed("EnableKeyRotation"):
            word = "Enable" if str(r.get("EnableKeyRotation", False)).lower() == "true" else "Disable"
            await r.call("kms", f"{word}KeyRotation", **key)
        if r.changed("Enabled"):
            word = "Disable" if str(r.get("Enabled", True)).lower() == "false" else "Enable"
            await r.call("kms", f"{word}Key", **key)

    async def delete(self, r: Request) -> None:
        days = int(r.get("PendingWindowInDays", 30))
        await r.call("kms", "ScheduleKeyDeletion", KeyId=r.physical_id, PendingWindowInDays=days)


class Alias(ResourceType):
    type = "AWS::KMS::Alias"
    spec = "AliasName!* TargetKeyId!"

    async def create(self, r: Request) -> None:
        await r.call("kms", "CreateAlias", **r.pick("AliasName TargetKeyId"))
        r.physical_id = r["AliasName"]

    async def update(self, r: Request) -> None:
        await r.call("kms", "UpdateAlias", **r.pick("AliasName TargetKeyId"))

    async def delete(self, r: Request) -> None:
        await r.call("kms", "DeleteAlias", AliasName=r.physical_id)
