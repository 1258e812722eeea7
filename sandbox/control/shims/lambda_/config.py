"""A function's configuration: defaults, checks, and how the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.shims.lambda_.names import LATEST
from sandbox.control.shims.lambda_.store import Function, LayerVersion, Region, Version, invalid
from sandbox.control.validation import validate
from sandbox.limits import Limits

# Members of CreateFunction and UpdateFunctionConfiguration that are kept as given.
KEPT = (
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "KMSKeyArn",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "SnapStart",
    "Timeout",
    "TracingConfig",
    "DeadLetterConfig",
    "TenancyConfig",
)
NOT_EMULATED = {
    "FileSystemConfigs": "Lambda file systems",
    "CodeSigningConfigArn": "Lambda code signing",
    "CapacityProviderConfig": "Lambda Managed Instances",
    "DurableConfig": "Lambda durable functions",
    "AcceleratorConfig": "Lambda accelerators",
}
RESERVED_VARIABLES = frozenset(
    [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    ]
)


def defaults(name: str, limits: Limits) -> dict[str, Any]:
    """What a function has when the request does not say."""
    return {
        "Description": "",
        "Timeout": limits.value("lambda.timeout.default"),
        "MemorySize": limits.value("lambda.memory.default"),
        "EphemeralStorage": {"Size": limits.value("lambda.ephemeral_storage.default")},
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None"},
        "Architectures": ["x86_64"],
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
        "Layers": [],
    }


def check(model: Any, params: Mapping[str, Any], limits: Limits) -> None:
    """Judge the parameters of a create or an update."""
    bounds = {
        "Timeout": {"max": limits.value("lambda.timeout.max")},
        "MemorySize": {"max": limits.value("lambda.memory.max")},
    }
    if model.name == "CreateFunction" and ":" not in params.get("FunctionName", ""):
        bounds["FunctionName"] = {"max": limits.value("lambda.function_name.max")}
    validate(model, params, bounds, skip=("Runtime",))
    runtime = params.get("Runtime")
    known = model.input_shape.members["Runtime"].enum if "Runtime" in model.input_shape.members else []
    if runtime is not None and runtime not in known:
        raise invalid(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(known)}] or be a valid ARN"
        )
    for member, what in NOT_EMULATED.items():
        if params.get(member):
            raise NotEmulatedError(what)
    if (params.get("VpcConfig") or {}).get("SubnetIds"):
        raise NotEmulatedError("Lambda functions in a VPC (VpcConfig)")
    variables = (params.get("Environment") or {}).get("Variables") or {}
    _check_environment(variables, limits.value("lambda.environment_variables"))


def _check_environment(variables: Mapping[str, str], largest: int) -> None:
    reserved = [name for name in variables if name in RESERVED_VARIABLES]
    if reserved:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    size = sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())
    if size > largest:
        shown = ",".join(f'"{name}":"{value}"' for name, value in variables.items())
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {{{shown}}}"
        )


def apply(config: dict[str, Any], params: Mapping[str, Any]) -> None:
    """Lay a request's members over a configuration."""
    for member in KEPT:
        if member in params:
            value = params[member]
            config[member] = {**config[member], **value} if member == "LoggingConfig" else value
    if "Architectures" in params:
        config["Architectures"] = list(params["Architectures"])
    if not (config.get("DeadLetterConfig") or {}).get("TargetArn"):
        config.pop("DeadLetterConfig", None)


def layers(region: Region, arns: list[str], unzipped: int, limits: Limits) -> list[LayerVersion]:
    """The layer versions of these ARNs, in order. Judges their number and the size with the function's code."""
    most = limits.value("lambda.layers")
    if len(arns) > most:
        raise invalid(f"Cannot reference more than {most} layers.")
    found: dict[str, LayerVersion] = {}
    for arn in arns:
        layer = find_layer(region, arn)
        if layer.name in found:
            pair = f"{region.arns.layer(layer.name, found[layer.name].version)} and {arn}"
            raise invalid(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{pair} are versions of the same layer."
            )
        found[layer.name] = layer
    total = unzipped + sum(layer.package.unzipped for layer in found.values())
    largest = limits.value("lambda.package.unzipped")
    if total > largest:
        raise invalid(
            f"Function code combined with layers exceeds the maximum allowed size of {largest} bytes. "
            f"The actual size is {total} bytes."
        )
    return list(found.values())


def find_layer(region: Region, arn: str) -> LayerVersion:
    """A layer version by its ARN."""
    parts = arn.split(":")
    if len(parts) != 8:
        raise invalid(f"Layer version ARN {arn} is not valid.")
    if parts[4] != region.arns.account:
        here = region.arns.account
        raise NotEmulatedError(f"layers of other accounts ({arn}): publish the layer in account {here}")
    layer = region.layers.get(parts[6])
    version = layer.versions.get(int(parts[7])) if layer and parts[7].isdigit() else None
    if version is None:
        raise invalid(f"Layer version {arn} does not exist.")
    return version


def show(
    region: Region, function: Function, version: Version, qualifier: str | None = None
) -> dict[str, Any]:
    """``FunctionConfiguration``. ``qualifier``: as the caller named it, it ends the ARN."""
    shown_qualifier = qualifier or (None if version.version == LATEST else version.version)
    shown = {
        "FunctionName": function.name,
        "FunctionArn": region.arns.function(function.name, shown_qualifier),
        **{key: value for key, value in version.config.items() if key != "Layers"},
        "CodeSize": len(version.package.zip),
        "CodeSha256": version.package.sha256,
        "LastModified": timestamp(version.modified),
        "Version": version.version,
        "RevisionId": version.revision,
        "PackageType": "Zip",
        "State": "Active",
        **version.update,
        "SnapStart": {**version.config["SnapStart"], "OptimizationStatus": "Off"},
    }
    if version.config["Layers"]:
        shown["Layers"] = [
            {"Arn": region.arns.layer(layer.name, layer.version), "CodeSize": len(layer.package.zip)}
            for layer in version.config["Layers"]
        ]
    return shown


def timestamp(instant: datetime) -> str:
    """``2026-11-24T12:00:00.000+0000``, as Lambda writes its dates."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}+0000"
