"""AWS's wire protocols from the server's side: an operation and its parameters out of a request, an answer back.

The protocols themselves (REST-JSON, JSON, query, EC2, REST-XML) are moto's parsers and serializers, which work
from botocore's service models. Importing them costs 0.3 s, so that is done at the first use, off the loop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from sandbox.aws import json_text
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control.message import Request, Response
from sandbox.control.target import form, operation_hint


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a service as a request names it. ``model``: botocore's (moto's subclass of it)."""

    service: str
    name: str
    params: dict[str, Any]
    model: Any
    protocol: str


@cache
def service_model(service: str) -> Any:
    """The botocore model of a service; raises ``UnknownServiceError``."""
    from moto.core.utils import get_service_model

    return get_service_model(service)


def warm(services: Iterable[str]) -> None:
    """Make what finds a service's operations, before there is a sandbox."""
    from sandbox.control.moto_routing import router

    for service in services:
        router(service)._get_router(service_model(service).resolved_protocol)


def werkzeug_request(request: Request, headers: Mapping[str, str] | None = None) -> Any:
    """The request as moto's code reads it; ``headers`` are set on top."""
    from moto.core.request import Request as MotoRequest

    merged = {
        name: value for name, value in request.headers if name.lower() not in ("content-length", "host")
    }
    merged.update(headers or {})
    merged["Host"] = request.host
    made = MotoRequest.from_primitives(request.method, request.url, merged, request.body)
    made.environ["RAW_URI"] = request.path + (f"?{request.query}" if request.query else "")
    return made


def read(service: str, request: Request) -> Operation:
    """Which operation a request calls, with which parameters.

    Raises ``NotEmulatedError`` (of SQS's query protocol ``InvalidAction``) when the service's model knows no such
    operation, ``AwsError`` (``SerializationException``, ``MalformedInput``) when the body cannot be read.
    """
    from moto.core.parse import PROTOCOL_PARSERS
    from moto.core.request import determine_request_protocol
    from werkzeug.exceptions import NotFound

    from sandbox.control.moto_routing import router

    model = service_model(service)
    wrapped = werkzeug_request(request)
    try:
        operation, uri_params = router(service).match(wrapped)
    except NotFound:
        raise _no_operation(service, request) from None
    protocol = determine_request_protocol(model, wrapped.content_type)
    try:
        if protocol == "json" and request.body and not isinstance(json_text.loads(request.body), dict):
            raise ValueError("the body is no JSON object")
        if protocol == "query":
            _check_entries(operation, wrapped.values)
        params = PROTOCOL_PARSERS[protocol](operation, map_type=dict).parse(
            {
                "method": request.method,
                "values": wrapped.values,
                "headers": wrapped.headers,
                "body": request.body,
                "url_path": request.path,
                "url_params": uri_params,
            }
        )
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise AwsError(400, "SerializationException", f"The request could not be read: {error}") from error
    # The parser gives an empty list for one that the query string does not have.
    given = {name: value for name, value in params.items() if value != [] or not _in_query(operation, name)}
    return Operation(service, operation.name, given, operation, protocol)


def _no_operation(service: str, request: Request) -> AwsError:
    """What a request is told that names no operation of the service's model."""
    action = form(request).get("Action")
    if service == "sqs" and action and not request.header("x-amz-target"):
        # Code and status: SQS API reference, common errors; the text is one that a public client knows from SQS.
        return AwsError(400, "InvalidAction", f"The action {action} is not valid for this endpoint.")
    return NotEmulatedError(f"{service} {operation_hint(request)}")


def _check_entries(operation: Any, fields: Any) -> None:
    """Refuse text where an entry with fields of its own belongs (``MessageAttribute.1=a``): the parser drops it.

    Raises ``AwsError`` (``MalformedInput``; code and text are UNSOURCED).
    """
    if operation.input_shape is None:
        return
    for name, member in operation.input_shape.members.items():
        kind = member.type_name
        if kind != "map" and (kind != "list" or member.member.type_name != "structure"):
            continue
        said = [member.serialization, getattr(member, "member", member).serialization]
        names = {name, *(x.get(key) for x in said for key in ("name", "locationNameForQueryCompatibility"))}
        entry = re.compile(rf"({'|'.join(re.escape(n) for n in names if n)})(\.member|\.entry)?\.\d+")
        wrong = next((key for key in fields if entry.fullmatch(key)), None)
        if wrong is not None:
            raise AwsError(400, "MalformedInput", f"{wrong} is not text: it has fields of its own.")


def _in_query(operation: Any, name: str) -> bool:
    return bool(operation.input_shape.members[name].serialization.get("location") == "querystring")


def write(operation: Operation, result: Mapping[str, Any], request_id: str) -> Response:
    """An operation's answer in the protocol in which it was asked."""
    from moto.core.serialize import SerializationContext, get_serializer_class

    serializer = get_serializer_class(operation.service, operation.protocol)(
        operation_model=operation.model, context=SerializationContext(request_id)
    )
    serialized = serializer.serialize(dict(result))
    body = serialized["body"]
    if operation.model.output_shape is None and operation.protocol not in ("query", "ec2"):
        body = b""
    status = serialized["status_code"]
    headers = tuple((name, str(value)) for name, value in serialized["headers"].items())
    data = body.encode() if isinstance(body, str) else bytes(body or b"")
    return Response(status, (("x-amzn-RequestId", request_id), *headers), b"" if status == 204 else data)


def protocol_of(request: Request, service: str) -> str:
    """The protocol in which a request speaks, told from the request alone."""
    content_type = request.header("content-type") or ""
    if request.header("x-amz-target"):
        return "json"
    if "Action=" in request.query or content_type.startswith("application/x-www-form-urlencoded"):
        return "ec2" if service == "ec2" else "query"
    return "rest-xml" if service in ("s3", "s3control", "route53", "cloudfront") else "rest-json"


def write_error(request: Request, service: str, error: AwsError, request_id: str) -> Response:
    """An error as the service's protocol puts it."""
    protocol = protocol_of(request, service)
    if protocol in ("json", "rest-json"):
        return _json_error(service, protocol, error, request_id)
    return _xml_error(service, protocol, error, request_id)


def _json_error(service: str, protocol: str, error: AwsError, request_id: str) -> Response:
    key = _message_key(service, error.code)
    body: dict[str, Any] = dict(error.fields)
    if protocol == "json":
        body["__type"] = getattr(error, "wire_type", error.code)  # of SQS: not the code that SDKs give
    body[key] = error.message
    content_type = "application/x-amz-json-1.0" if protocol == "json" else "application/json"
    headers = {
        "x-amzn-RequestId": request_id,
        "x-amzn-ErrorType": error.code,
        "Content-Type": content_type,
        **error.headers,
    }
    return Response(error.status, tuple(headers.items()), json.dumps(body).encode())


@cache
def _message_key(service: str, code: str) -> str:
    """How the error's shape spells its message member (Lambda has both spellings)."""
    from botocore.exceptions import UnknownServiceError

    try:
        shapes = service_model(service).error_shapes
    except UnknownServiceError:
        return "message"
    for shape in shapes:
        if code in (shape.name, shape.error_code):
            for name, member in shape.members.items():
                if name.lower() == "message":
                    return str(member.serialization.get("name", name))
    return "message"


_XML_NAMES = {"sqs": "http://queue.amazonaws.com/doc/2012-11-05/"}


def _xml_error(service: str, protocol: str, error: AwsError, request_id: str) -> Response:
    code, message = escape(error.code), escape(getattr(error, "xml_message", error.message))
    extra = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in error.fields.items())
    fault = "Sender" if error.status < 500 else "Receiver"
    if protocol == "rest-xml":
        inner = f"<Code>{code}</Code><Message>{message}</Message>{extra}<RequestId>{request_id}</RequestId>"
        text = f"<Error>{inner}</Error>"
    elif protocol == "ec2":
        inner = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<Response><Errors>{inner}</Errors><RequestID>{request_id}</RequestID></Response>"
    else:
        inner = f"<Error><Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message>{extra}</Error>"
        name = _XML_NAMES.get(service)
        opening = f'<ErrorResponse xmlns="{name}">' if name else "<ErrorResponse>"
        text = f"{opening}{inner}<RequestId>{request_id}</RequestId></ErrorResponse>"
    headers = {"x-amzn-RequestId": request_id, "Content-Type": "text/xml", **error.headers}
    return Response(
        error.status, tuple(headers.items()), b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()
    )
