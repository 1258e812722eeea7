"""``AWS_PROXY`` with a subtype: an AWS service is called with the mapped parameters.

Source: API Gateway developer guide, "Integration subtype reference". SQS is asked in the query protocol, whose XML
answer goes to the client; EventBridge in JSON. The role in ``CredentialsArn`` is not judged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control.message import Request, ask
from sandbox.services.api_http import mapping, values
from sandbox.services.api_http.call import Answer, Call
from sandbox.services.api_http.errors import HttpApiError, message

SQS = {
    "SQS-SendMessage": ("QueueUrl", "MessageBody"),
    "SQS-ReceiveMessage": ("QueueUrl",),
    "SQS-DeleteMessage": ("QueueUrl", "ReceiptHandle"),
    "SQS-PurgeQueue": ("QueueUrl",),
}
PUT_EVENTS = ("Detail", "DetailType", "Source")


async def integrate(call: Call) -> Answer:
    """Call the service. Raises ``HttpApiError``, ``NotEmulatedError`` for a subtype that is not there."""
    subtype = call.integration.subtype or ""
    parameters = _parameters(call)
    region = parameters.pop("Region", call.region)
    if subtype in SQS:
        _require(parameters, SQS[subtype])
        given = await _sqs(call, subtype.removeprefix("SQS-"), parameters, region)
    elif subtype == "EventBridge-PutEvents":
        _require(parameters, PUT_EVENTS)
        given = await _put_events(call, parameters)
    else:
        raise NotEmulatedError(f"the integration subtype {subtype} of API Gateway HTTP APIs")
    return mapping.answer(call, given)


def _parameters(call: Call) -> dict[str, str]:
    found = {}
    for name, expression in call.integration.request_parameters.items():
        value = values.evaluate(call, expression)
        if value is not None:
            found[name] = value
    return found


def _require(parameters: Mapping[str, str], names: tuple[str, ...]) -> None:
    missing = [name for name in names if not parameters.get(name)]
    if missing:  # status and words UNSOURCED
        text = f"Missing required parameters: {', '.join(missing)}"
        raise HttpApiError(400, message(text), text)


async def _sqs(call: Call, action: str, parameters: Mapping[str, str], region: str) -> Answer:
    form = {"Action": action, "Version": "2012-11-05"}
    for name, value in parameters.items():
        if name in ("MessageAttributes", "MessageSystemAttributes"):
            form |= _attributes(name.removesuffix("s"), value)
        elif name in ("AttributeName", "MessageAttributeNames"):
            form[f"{name.removesuffix('s')}.1"] = value
        else:
            form[name] = value
    host = f"sqs.{region}.amazonaws.com"
    headers = (("host", host), ("content-type", "application/x-www-form-urlencoded"))
    response = await ask(
        call.sandbox.control, Request("POST", host, "/", "", headers, urlencode(form).encode())
    )
    kind = response.header("content-type") or "text/xml"
    return Answer(response.status, [("content-type", kind)], response.body)


def _attributes(name: str, text: str) -> dict[str, str]:
    """``{"a": {"DataType": ..., "StringValue": ...}}`` as the query protocol numbers it."""
    form = {}
    try:
        attributes = json.loads(text)
        for index, (key, value) in enumerate(attributes.items(), 1):
            form[f"{name}.{index}.Name"] = key
            for member, content in value.items():
                form[f"{name}.{index}.Value.{member}"] = str(content)
    except (ValueError, AttributeError) as wrong:
        reason = f"{name}s are no JSON object of attributes"
        raise HttpApiError(400, message(reason), f"{reason}: {wrong}") from wrong
    return form


async def _put_events(call: Call, parameters: Mapping[str, str]) -> Answer:
    members = ("Detail", "DetailType", "Source", "EventBusName")
    entry = {name: parameters[name] for name in members if name in parameters}
    if "Resources" in parameters:
        entry["Resources"] = json.loads(parameters["Resources"])
    try:
        result = await call.sandbox.control.call("events", "PutEvents", Entries=[entry])
    except AwsError as refusal:
        body = json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
        return Answer(refusal.status, [("content-type", "application/x-amz-json-1.1")], body)
    shown = {name: value for name, value in result.items() if name != "ResponseMetadata"}
    return Answer(200, [("content-type", "application/x-amz-json-1.1")], json.dumps(shown).encode())
