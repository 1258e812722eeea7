"""SSM parameters and Secrets Manager secrets."""

from __future__ import annotations

import json
from typing import Any

from sandbox.control.cloudformation.types.base import Request, ResourceType, tags_changed


class Parameter(ResourceType):
    type = "AWS::SSM::Parameter"
    spec = "AllowedPattern DataType Description Name* Policies Tags{} Tier Type! Value!"
    attributes = "Type Value"

    async def create(self, r: Request) -> None:
        name = r.get("Name") or r.name(1011)
        values = {key: value for key, value in r.properties.items() if key != "Tags"}
        tags = (
            {"Tags": [{"Key": k, "Value": v} for k, v in r["Tags"].items()]} if "Tags" in r.properties else {}
        )
        await r.send("ssm", "PutParameter", {**values, "Name": name}, **tags)
        r.physical_id = name
        r.attributes = {"Type": r["Type"], "Value": r["Value"]}

    async def update(self, r: Request) -> None:
        values = {key: value for key, value in r.properties.items() if key != "Tags"}
        await r.send("ssm", "PutParameter", {**values, "Name": r.physical_id, "Overwrite": True})
        r.attributes = {"Type": r["Type"], "Value": r["Value"]}
        if r.changed("Tags"):
            where = {"ResourceType": "Parameter", "ResourceId": r.physical_id}
            new, old = r.get("Tags") or {}, r.previous.get("Tags") or {}
            added = [{"Key": k, "Value": v} for k, v in new.items() if old.get(k) != v]
            if added:
                await r.call("ssm", "AddTagsToResource", **where, Tags=added)
            if gone := [key for key in old if key not in new]:
                await r.call("ssm", "RemoveTagsFromResource", **where, TagKeys=gone)

    async def delete(self, r: Request) -> None:
        await r.call("ssm", "DeleteParameter", Name=r.physical_id)


class Secret(ResourceType):
    type = "AWS::SecretsManager::Secret"
    spec = "Description GenerateSecretString{} KmsKeyId Name* ReplicaRegions[] SecretString Tags[] Type"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        name = r.get("Name") or r.name(512)
        values = r.pick("Description KmsKeyId SecretString Tags")
        if "GenerateSecretString" in r.properties:
            values["SecretString"] = await _generate(r, dict(r["GenerateSecretString"]))
        made = await r.send("secretsmanager", "CreateSecret", {**values, "Name": name})
        r.physical_id = made["ARN"]
        r.attributes = {"Id": r.physical_id}

    async def update(self, r: Request) -> None:
        values = r.pick("Description KmsKeyId SecretString")
        if r.changed("GenerateSecretString") and "GenerateSecretString" in r.properties:
            values["SecretString"] = await _generate(r, dict(r["GenerateSecretString"]))
        await r.send("secretsmanager", "UpdateSecret", {**values, "SecretId": r.physical_id})
        added, removed = tags_changed(r)
        if added:
            await r.call("secretsmanager", "TagResource", SecretId=r.physical_id, Tags=added)
        if removed:
            await r.call("secretsmanager", "UntagResource", SecretId=r.physical_id, TagKeys=removed)

    async def delete(self, r: Request) -> None:
        await r.call(
            "secretsmanager", "DeleteSecret", SecretId=r.physical_id, ForceDeleteWithoutRecovery=True
        )


async def _generate(r: Request, wanted: dict[str, Any]) -> str:
    template, key = wanted.pop("SecretStringTemplate", None), wanted.pop("GenerateStringKey", None)
    made = (await r.send("secretsmanager", "GetRandomPassword", wanted))["RandomPassword"]
    if template is None:
        return str(made)
    return json.dumps({**json.loads(template), str(key): made})
