"""Step Functions: state machines, as the CDK's providers of custom resources make them to wait."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.base import Request, ResourceType, tags_changed

SERVICE = "stepfunctions"
_PLACE = re.compile(r"\$\{(\w+)\}")


class StateMachine(ResourceType):
    type = "AWS::StepFunctions::StateMachine"
    spec = (
        "Definition{} DefinitionS3Location{} DefinitionString DefinitionSubstitutions{} EncryptionConfiguration{} "
        "LoggingConfiguration{} RoleArn! StateMachineName* StateMachineType* Tags[] TracingConfiguration{}"
    )
    attributes = "Arn Name StateMachineRevisionId"

    async def create(self, r: Request) -> None:
        name = r.get("StateMachineName") or r.name(80)
        values = {**await self._values(r), **r.pick("Tags", type="StateMachineType"), "name": name}
        made = await r.send(SERVICE, "CreateStateMachine", values)
        r.physical_id = made["stateMachineArn"]
        r.attributes = {"Arn": r.physical_id, "Name": name, "StateMachineRevisionId": "INITIAL"}

    async def update(self, r: Request) -> None:
        await r.send(
            SERVICE, "UpdateStateMachine", {**await self._values(r), "stateMachineArn": r.physical_id}
        )
        tags, gone = tags_changed(r)
        if gone:
            await r.call(SERVICE, "UntagResource", resourceArn=r.physical_id, tagKeys=gone)
        if tags:
            await r.send(SERVICE, "TagResource", {"resourceArn": r.physical_id, "tags": tags})

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteStateMachine", stateMachineArn=r.physical_id)

    async def _values(self, r: Request) -> dict[str, Any]:
        kept = r.pick("EncryptionConfiguration LoggingConfiguration RoleArn TracingConfiguration")
        return {**kept, "definition": await _definition(r)}


async def _definition(r: Request) -> str:
    """The one of three properties that is given, with ``${names}`` replaced."""
    if "DefinitionString" in r.properties:
        text = str(r["DefinitionString"])
    elif "Definition" in r.properties:
        text = json.dumps(r["Definition"])
    elif "DefinitionS3Location" in r.properties:
        place = r["DefinitionS3Location"]
        params = {"Bucket": place["Bucket"], "Key": place["Key"]}
        if "Version" in place:
            params["VersionId"] = str(place["Version"])
        text = (await r.call("s3", "GetObject", **params))["Body"].read().decode()
    else:
        raise ResourceError("Definition, DefinitionS3Location or DefinitionString is required")
    known = r.get("DefinitionSubstitutions") or {}
    return _PLACE.sub(lambda found: str(known.get(found[1], found[0])), text)
