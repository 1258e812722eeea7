"""AWS::Lambda::Function."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.types.base import Request, ResourceType, tags_changed
from sandbox.control.cloudformation.types.lambda_inline import inline_zip

_CREATE = (
    "Architectures CapacityProviderConfig CodeSigningConfigArn DeadLetterConfig Description "
    "DurableConfig Environment "
    "EphemeralStorage FileSystemConfigs Handler ImageConfig KmsKeyArn Layers LoggingConfig MemorySize "
    "PackageType Role "
    "Runtime SnapStart Tags TenancyConfig Timeout TracingConfig VpcConfig"
)
_UPDATE = (
    "DeadLetterConfig Description Environment EphemeralStorage FileSystemConfigs Handler ImageConfig "
    "KmsKeyArn Layers "
    "LoggingConfig MemorySize Role Runtime SnapStart Timeout TracingConfig VpcConfig"
)
# What a property goes back to when it leaves the template; source: Lambda API Reference, CreateFunction defaults.
_DEFAULTS: dict[str, Any] = {
    "DeadLetterConfig": {}, "Description": "", "Environment": {"Variables": {}}, "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [], "Layers": [], "MemorySize": 128, "Timeout": 3, "TracingConfig": {"Mode": "PassThrough"},
    "SnapStart": {"ApplyOn": "None"}, "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}, "KmsKeyArn": "",
}  # fmt: skip


class Function(ResourceType):
    type = "AWS::Lambda::Function"
    spec = (
        "Architectures[] CapacityProviderConfig{} Code!{} CodeSigningConfigArn DeadLetterConfig{} Description "
        "DurableConfig{} Environment{} EphemeralStorage{} FileSystemConfigs[] FunctionName* "
        "FunctionScalingConfig{} Handler ImageConfig{} KmsKeyArn Layers[] LoggingConfig{} MemorySize "
        "PackageType* PublishToLatestPublished RecursiveLoop ReservedConcurrentExecutions Role! Runtime "
        "RuntimeManagementConfig{} SnapStart{} Tags[] TenancyConfig*{} Timeout TracingConfig{} VpcConfig{}"
    )
    attributes = "Arn SnapStartResponse SnapStartResponse."

    async def create(self, r: Request) -> None:
        name = r.get("FunctionName") or r.name(64)
        answer = await r.send(
            "lambda", "CreateFunction", {**r.pick(_CREATE), "FunctionName": name}, Code=_code(r)
        )
        r.physical_id = name
        r.attributes = {"Arn": answer["FunctionArn"]}
        await _settings(r)

    async def update(self, r: Request) -> None:
        name = r.physical_id
        if r.changed("Code", "Architectures"):
            architectures = r.pick("Architectures")
            await r.call("lambda", "UpdateFunctionCode", FunctionName=name, **_code(r), **architectures)
        changed = [p for p in _UPDATE.split() if r.changed(p)]
        if changed:
            values = {p: r.get(p, _DEFAULTS.get(p)) for p in changed}
            values = {p: value for p, value in values.items() if value is not None}
            await r.send("lambda", "UpdateFunctionConfiguration", {"FunctionName": name, **values})
        await _settings(r)
        if r.changed("Tags"):
            added, removed = tags_changed(r)
            if added:
                await r.send("lambda", "TagResource", {"Resource": r.attributes["Arn"], "Tags": added})
            if removed:
                await r.call("lambda", "UntagResource", Resource=r.attributes["Arn"], TagKeys=removed)

    async def delete(self, r: Request) -> None:
        await r.call("lambda", "DeleteFunction", FunctionName=r.physical_id)


def _code(r: Request) -> dict[str, Any]:
    code = dict(r["Code"])
    if "ZipFile" in code:
        return {"ZipFile": inline_zip(code["ZipFile"], str(r.get("Runtime", "")))}
    names = ("S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri", "SourceKMSKeyArn")
    return {name: str(code[name]) for name in names if name in code}


async def _settings(r: Request) -> None:
    """Properties that have operations of their own."""
    name = r.physical_id
    if r.changed("ReservedConcurrentExecutions"):
        if "ReservedConcurrentExecutions" in r.properties:
            await r.send(
                "lambda",
                "PutFunctionConcurrency",
                {"FunctionName": name, "ReservedConcurrentExecutions": r["ReservedConcurrentExecutions"]},
            )
        else:
            await r.call("lambda", "DeleteFunctionConcurrency", FunctionName=name)
    if r.changed("RecursiveLoop"):
        await r.call(
            "lambda",
            "PutFunctionRecursionConfig",
            FunctionName=name,
            RecursiveLoop=r.get("RecursiveLoop", "Terminate"),
        )
    if r.changed("RuntimeManagementConfig") and "RuntimeManagementConfig" in r.properties:
        await r.send(
            "lambda", "PutRuntimeManagementConfig", {"FunctionName": name, **r["RuntimeManagementConfig"]}
        )
