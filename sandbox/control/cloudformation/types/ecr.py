"""ECR repositories, which the CDK's bootstrap stack has."""

from __future__ import annotations

from sandbox.control.cloudformation.types.base import (
    Request,
    ResourceType,
    document,
    policy_text,
    tags_changed,
)


class Repository(ResourceType):
    type = "AWS::ECR::Repository"
    spec = (
        "EmptyOnDelete EncryptionConfiguration*{} ImageScanningConfiguration{} ImageTagMutability "
        "ImageTagMutabilityExclusionFilters[] LifecyclePolicy{} RepositoryName* RepositoryPolicyText Tags[]"
    )
    attributes = "Arn RepositoryUri"

    async def create(self, r: Request) -> None:
        name = r.get("RepositoryName") or r.name(256, lower=True)
        values = r.pick(
            "EncryptionConfiguration ImageScanningConfiguration ImageTagMutability "
            "ImageTagMutabilityExclusionFilters Tags"
        )
        made = await r.send("ecr", "CreateRepository", {**values, "RepositoryName": name})
        r.physical_id = name
        repository = made["repository"]
        r.attributes = {"Arn": repository["repositoryArn"], "RepositoryUri": repository["repositoryUri"]}
        await self._policies(r)

    async def update(self, r: Request) -> None:
        name = {"RepositoryName": r.physical_id}
        if r.changed("ImageTagMutability"):
            mutability = r.get("ImageTagMutability", "MUTABLE")
            await r.send("ecr", "PutImageTagMutability", {**name, "ImageTagMutability": mutability})
        if r.changed("ImageScanningConfiguration"):
            scanning = r.get("ImageScanningConfiguration") or {"ScanOnPush": False}
            await r.send(
                "ecr", "PutImageScanningConfiguration", {**name, "ImageScanningConfiguration": scanning}
            )
        await self._policies(r)
        added, removed = tags_changed(r)
        if added:
            await r.call("ecr", "TagResource", resourceArn=r.attributes["Arn"], tags=added)
        if removed:
            await r.call("ecr", "UntagResource", resourceArn=r.attributes["Arn"], tagKeys=removed)

    async def _policies(self, r: Request) -> None:
        name = {"repositoryName": r.physical_id}
        if r.changed("LifecyclePolicy"):
            if "LifecyclePolicy" in r.properties:
                policy = document(r["LifecyclePolicy"]["LifecyclePolicyText"])
                await r.call("ecr", "PutLifecyclePolicy", **name, lifecyclePolicyText=policy)
            else:
                await r.call("ecr", "DeleteLifecyclePolicy", **name)
        if r.changed("RepositoryPolicyText"):
            if "RepositoryPolicyText" in r.properties:
                policy = policy_text(r["RepositoryPolicyText"])
                await r.call("ecr", "SetRepositoryPolicy", **name, policyText=policy)
            else:
                await r.call("ecr", "DeleteRepositoryPolicy", **name)

    async def delete(self, r: Request) -> None:
        force = str(r.get("EmptyOnDelete", False)).lower() == "true"
        await r.call("ecr", "DeleteRepository", repositoryName=r.physical_id, force=force)
