"""Custom resources: a Lambda function makes the thing and answers by a PUT to a presigned S3 address.

Source: AWS CloudFormation User Guide, "Custom resources" and "Custom resource reference" (fields of requests and
responses, 4,096 bytes of answer, one hour of patience).
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Invocation
from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.base import Request, ResourceType, is_gone
from sandbox.control.cloudformation.types.custom_url import bucket_name, presign

_PATIENCE_S = 3_600  # ServiceTimeout's default
_FIRST_S, _LAST_S = 0.05, 5.0  # between looks at S3


class CustomResource(ResourceType):
    type = "AWS::CloudFormation::CustomResource"
    spec = "ServiceToken!* ServiceTimeout"
    open = True

    async def create(self, r: Request) -> None:
        answer = await self._ask(r, "Create")
        r.physical_id = answer["PhysicalResourceId"]
        r.attributes = _attributes(answer)

    async def update(self, r: Request) -> None:
        answer = await self._ask(r, "Update")
        r.attributes = _attributes(answer)
        if answer["PhysicalResourceId"] != r.physical_id:  # the function made another thing: the old one goes
            await self._ask(r, "Delete", properties=r.previous)
            r.physical_id = answer["PhysicalResourceId"]

    async def delete(self, r: Request) -> None:
        await self._ask(r, "Delete")

    def has_attribute(self, name: str) -> bool:
        return True

    async def _ask(self, r: Request, kind: str, properties: dict[str, Any] | None = None) -> dict[str, Any]:
        token = str((properties or r.properties).get("ServiceToken", ""))
        if ":lambda:" not in token:
            raise ResourceError(
                f"Invalid service token. The sandbox runs Lambda functions as custom resources, not {token!r}."
            )
        key, request_id = r.sandbox.ids.uuid(), r.sandbox.ids.uuid()
        event = {
            "RequestType": kind,
            "ServiceToken": token,
            "ResponseURL": await _address(r, key),
            "StackId": r.stack.id,
            "RequestId": request_id,
            "LogicalResourceId": r.logical_id,
            "ResourceType": r.type,
            "ResourceProperties": _texts(properties or r.properties),
        }
        if kind != "Create":
            event["PhysicalResourceId"] = r.physical_id
        if kind == "Update":
            event["OldResourceProperties"] = _texts(r.previous)
        await r.sandbox.invoke(Invocation(token, json.dumps(event).encode(), type="Event"))
        answer = await _answer(r, key)
        if answer.get("Status") != "SUCCESS":
            reason = answer.get("Reason") or "See the details in CloudWatch Log Stream"
            raise ResourceError(
                f"Received response status [FAILED] from custom resource. Message returned: {reason}"
            )
        if not isinstance(answer.get("PhysicalResourceId"), str):
            raise ResourceError("Invalid PhysicalResourceId")
        return answer


def _texts(value: Any) -> Any:
    """Scalars arrive as text, as on AWS."""
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _attributes(answer: dict[str, Any]) -> dict[str, Any]:
    data = answer.get("Data") or {}
    return dict(data) if isinstance(data, dict) else {}


async def _address(r: Request, key: str) -> str:
    bucket = bucket_name(r.region)
    try:
        await r.call("s3", "HeadBucket", Bucket=bucket)
    except AwsError:
        await r.call("s3", "CreateBucket", Bucket=bucket)
    return presign(bucket, key, r.region)


async def _answer(r: Request, key: str) -> dict[str, Any]:
    """Wait for the answer on loop time."""
    patience = float(r.get("ServiceTimeout", _PATIENCE_S))
    pause, waited = _FIRST_S, 0.0
    while waited < patience:
        try:
            found = (await r.call("s3", "GetObject", Bucket=bucket_name(r.region), Key=key))["Body"].read()
        except AwsError as e:
            if not is_gone(e):
                raise
            await asyncio.sleep(pause)
            waited += pause
            pause = min(pause * 2, _LAST_S)
            continue
        try:
            answer = json.loads(found)
        except ValueError as e:
            raise ResourceError("Response object is not valid JSON") from e  # the text is UNSOURCED
        if not isinstance(answer, dict):
            raise ResourceError("Response object is not a JSON object")  # the text is UNSOURCED
        return answer
    raise ResourceError(
        "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId "
        f"[{key}]. If you are using the Python cfn-response module, you may need to update your Lambda function "
        "code so that CloudFormation can attach the updated version."
    )
