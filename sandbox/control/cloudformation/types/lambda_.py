"""Lambda: what hangs on a function."""

from __future__ import annotations

from sandbox.control.cloudformation.types.base import Request, ResourceType


class Url(ResourceType):
    type = "AWS::Lambda::Url"
    spec = "AuthType! Cors{} InvokeMode Qualifier* TargetFunctionArn!*"
    attributes = "FunctionArn FunctionUrl"

    async def create(self, r: Request) -> None:
        answer = await r.send(
            "lambda",
            "CreateFunctionUrlConfig",
            r.pick("AuthType Cors InvokeMode Qualifier", FunctionName="TargetFunctionArn"),
        )
        r.physical_id = answer["FunctionArn"]
        r.attributes = {"FunctionArn": answer["FunctionArn"], "FunctionUrl": answer["FunctionUrl"]}

    async def update(self, r: Request) -> None:
        defaults = {"InvokeMode": "BUFFERED", "Cors": {}}
        await r.send(
            "lambda",
            "UpdateFunctionUrlConfig",
            {**defaults, **r.pick("AuthType Cors InvokeMode Qualifier", FunctionName="TargetFunctionArn")},
        )

    async def delete(self, r: Request) -> None:
        await r.send(
            "lambda", "DeleteFunctionUrlConfig", r.pick("Qualifier", FunctionName="TargetFunctionArn")
        )


class Alias(ResourceType):
    type = "AWS::Lambda::Alias"
    spec = "Description FunctionName!* FunctionVersion! Name!* ProvisionedConcurrencyConfig{} RoutingConfig{}"
    attributes = "AliasArn"

    async def create(self, r: Request) -> None:
        answer = await r.send("lambda", "CreateAlias", self._values(r))
        r.physical_id = answer["AliasArn"]
        r.attributes = {"AliasArn": answer["AliasArn"]}
        await _provision(r, r["FunctionName"], r["Name"])

    async def update(self, r: Request) -> None:
        values = {"Description": "", "RoutingConfig": {}, **self._values(r)}
        await r.send("lambda", "UpdateAlias", values)
        await _provision(r, r["FunctionName"], r["Name"])

    async def delete(self, r: Request) -> None:
        await r.send("lambda", "DeleteAlias", r.pick("FunctionName Name"))

    def _values(self, r: Request) -> dict[str, object]:
        values = r.pick("Description FunctionName FunctionVersion Name")
        if "RoutingConfig" in r.properties:
            weights = r["RoutingConfig"].get("AdditionalVersionWeights") or []
            values["RoutingConfig"] = {
                "AdditionalVersionWeights": {w["FunctionVersion"]: w["FunctionWeight"] for w in weights}
            }
        return values


async def _provision(r: Request, function: str, qualifier: str) -> None:
    if not r.changed("ProvisionedConcurrencyConfig"):
        return
    names = {"FunctionName": function, "Qualifier": qualifier}
    if "ProvisionedConcurrencyConfig" in r.properties:
        await r.send(
            "lambda", "PutProvisionedConcurrencyConfig", {**names, **r["ProvisionedConcurrencyConfig"]}
        )
    else:
        await r.call("lambda", "DeleteProvisionedConcurrencyConfig", **names)


class Version(ResourceType):
    type = "AWS::Lambda::Version"
    spec = (
        "CodeSha256* Description* FunctionName!* FunctionScalingConfig{} ProvisionedConcurrencyConfig*{} "
        "RuntimePolicy*{}"
    )
    attributes = "FunctionArn Version"

    async def create(self, r: Request) -> None:
        answer = await r.send("lambda", "PublishVersion", r.pick("CodeSha256 Description FunctionName"))
        arn, version = str(answer["FunctionArn"]), str(answer["Version"])
        if not arn.endswith(f":{version}"):
            arn = f"{arn}:{version}"
        r.physical_id = arn
        r.attributes = {"FunctionArn": arn, "Version": version}
        await _provision(r, r["FunctionName"], version)

    async def delete(self, r: Request) -> None:
        function, _, version = r.physical_id.rpartition(":")
        await r.call("lambda", "DeleteFunction", FunctionName=function, Qualifier=version)


class Permission(ResourceType):
    type = "AWS::Lambda::Permission"
    spec = (
        "Action!* EventSourceToken* FunctionName!* FunctionUrlAuthType* InvokedViaFunctionUrl* Principal!* "
        "PrincipalOrgID* SourceAccount* SourceArn*"
    )
    attributes = "Id"

    async def create(self, r: Request) -> None:
        statement = r.name(100)
        await r.send("lambda", "AddPermission", {**r.properties, "StatementId": statement})
        r.physical_id = statement
        r.attributes = {"Id": statement}

    async def delete(self, r: Request) -> None:
        await r.call("lambda", "RemovePermission", FunctionName=r["FunctionName"], StatementId=r.physical_id)


class LayerVersion(ResourceType):
    type = "AWS::Lambda::LayerVersion"
    spec = "CompatibleArchitectures*[] CompatibleRuntimes*[] Content!*{} Description* LayerName* LicenseInfo*"
    attributes = "LayerVersionArn"

    async def create(self, r: Request) -> None:
        name = r.get("LayerName") or r.logical_id
        values = r.pick("CompatibleArchitectures CompatibleRuntimes Content Description LicenseInfo")
        answer = await r.send("lambda", "PublishLayerVersion", {**values, "LayerName": name})
        r.physical_id = answer["LayerVersionArn"]
        r.attributes = {"LayerVersionArn": r.physical_id}

    async def delete(self, r: Request) -> None:
        layer, _, version = r.physical_id.rpartition(":")
        await r.call("lambda", "DeleteLayerVersion", LayerName=layer, VersionNumber=int(version))


class LayerVersionPermission(ResourceType):
    type = "AWS::Lambda::LayerVersionPermission"
    spec = "Action!* LayerVersionArn!* OrganizationId* Principal!*"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        layer, _, version = r["LayerVersionArn"].rpartition(":")
        statement = r.name(100)
        await r.send(
            "lambda", "AddLayerVersionPermission",
            {
                **r.pick("Action OrganizationId Principal"),
                "LayerName": layer, "VersionNumber": version, "StatementId": statement,
            },
        )  # fmt: skip
        r.physical_id = f"{r['LayerVersionArn']}#{statement}"
        r.attributes = {"Id": r.physical_id}

    async def delete(self, r: Request) -> None:
        arn, _, statement = r.physical_id.partition("#")
        layer, _, version = arn.rpartition(":")
        await r.call(
            "lambda", "RemoveLayerVersionPermission", LayerName=layer, VersionNumber=int(version),
            StatementId=statement,
        )  # fmt: skip


class EventInvokeConfig(ResourceType):
    type = "AWS::Lambda::EventInvokeConfig"
    spec = "DestinationConfig{} FunctionName!* MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier!*"

    async def create(self, r: Request) -> None:
        await r.send("lambda", "PutFunctionEventInvokeConfig", r.properties)
        r.physical_id = f"{r['FunctionName']}|{r['Qualifier']}"

    async def update(self, r: Request) -> None:
        await r.send("lambda", "PutFunctionEventInvokeConfig", r.properties)

    async def delete(self, r: Request) -> None:
        await r.send("lambda", "DeleteFunctionEventInvokeConfig", r.pick("FunctionName Qualifier"))


class EventSourceMapping(ResourceType):
    type = "AWS::Lambda::EventSourceMapping"
    spec = (
        "AmazonManagedKafkaEventSourceConfig{} BatchSize BisectBatchOnFunctionError DestinationConfig{} "
        "DocumentDBEventSourceConfig{} Enabled EventSourceArn* FilterCriteria{} FunctionName! "
        "FunctionResponseTypes[] KmsKeyArn LoggingConfig{} MaximumBatchingWindowInSeconds "
        "MaximumRecordAgeInSeconds MaximumRetryAttempts MetricsConfig{} ParallelizationFactor "
        "ProvisionedPollerConfig{} Queues[] ScalingConfig{} SelfManagedEventSource*{} "
        "SelfManagedKafkaEventSourceConfig{} SourceAccessConfigurations[] StartingPosition* "
        "StartingPositionTimestamp* Tags[] Topics[] TumblingWindowInSeconds"
    )
    attributes = "EventSourceMappingArn Id"
    _fixed = (
        "EventSourceArn",
        "StartingPosition",
        "StartingPositionTimestamp",
        "SelfManagedEventSource",
        "Tags",
    )

    async def create(self, r: Request) -> None:
        answer = await r.send("lambda", "CreateEventSourceMapping", r.properties)
        r.physical_id = answer["UUID"]
        arn = r.arn("lambda", f"event-source-mapping:{r.physical_id}")
        r.attributes = {
            "Id": r.physical_id,
            "EventSourceMappingArn": answer.get("EventSourceMappingArn", arn),
        }

    async def update(self, r: Request) -> None:
        values = {name: value for name, value in r.properties.items() if name not in self._fixed}
        await r.send("lambda", "UpdateEventSourceMapping", {**values, "UUID": r.physical_id})

    async def delete(self, r: Request) -> None:
        await r.call("lambda", "DeleteEventSourceMapping", UUID=r.physical_id)
