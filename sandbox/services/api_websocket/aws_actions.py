"""``AWS`` integrations with an action of another service: SQS SendMessage. Others are not emulated."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.services.api_websocket import functions, templates
from sandbox.services.api_websocket.call import Call, Outcome
from sandbox.services.api_websocket.errors import IntegrationError

_URI = re.compile(r"arn:[^:]+:apigateway:[^:]+:(?P<service>[\w.-]+):(?P<kind>path|action)/(?P<rest>.*)")
_ATTRIBUTE = re.compile(r"MessageAttribute\.(\d+)\.(Name|Value\.(?:StringValue|DataType|BinaryValue))")
_PLAIN = ("MessageBody", "MessageGroupId", "MessageDeduplicationId")


async def integrate(call: Call) -> Outcome:
    """Carry out the action. Raises :class:`IntegrationError`, ``NotEmulatedError``."""
    assert call.integration is not None
    uri = functions.with_stage_variables(call, call.integration.uri)
    if functions.URI.fullmatch(uri):
        return await functions.custom(call)
    found = _URI.fullmatch(uri)
    if found is None:
        raise IntegrationError(f"the URI {uri!r} names no action of an AWS service")
    path = found["rest"].split("/")
    if found["service"] != "sqs" or found["kind"] != "path" or len(path) != 2:
        raise NotEmulatedError(f"the AWS integration {uri!r} of a WebSocket API")
    return await _send_message(call, *path)


async def _send_message(call: Call, account: str, queue: str) -> Outcome:
    integration = call.integration
    assert integration is not None
    body = call.body or ""
    template = templates.chosen(integration.request_templates, integration.template_selection, call, body)
    if template is None:
        raise IntegrationError("the integration has no request template that names Action=SendMessage")
    form = dict(parse_qsl(templates.render(template, call, body).strip(), keep_blank_values=True))
    if form.get("Action") != "SendMessage":
        raise NotEmulatedError(f"the SQS action {form.get('Action')!r} of a WebSocket API")
    try:
        where = await call.sandbox.control.call(
            "sqs", "GetQueueUrl", QueueName=queue, QueueOwnerAWSAccountId=account
        )
        answer = await call.sandbox.control.call(
            "sqs", "SendMessage", QueueUrl=where["QueueUrl"], **_parameters(form)
        )
    except AwsError as refusal:
        raise IntegrationError(f"SQS refused: {refusal}") from refusal
    return Outcome(200, json.dumps({"SendMessageResponse": {"SendMessageResult": _result(answer)}}))


def _parameters(form: dict[str, str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {name: form[name] for name in _PLAIN if name in form}
    if "DelaySeconds" in form:
        parameters["DelaySeconds"] = int(form["DelaySeconds"])
    attributes: dict[str, dict[str, str]] = {}
    for key, value in form.items():
        if match := _ATTRIBUTE.fullmatch(key):
            attributes.setdefault(match[1], {})[match[2].removeprefix("Value.")] = value
    if attributes:
        parameters["MessageAttributes"] = {item.pop("Name", ""): item for item in attributes.values()}
    return parameters


def _result(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in ("MD5OfMessageBody", "MessageId") if name in answer}
