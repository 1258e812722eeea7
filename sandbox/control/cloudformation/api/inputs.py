"""What requests have in common: template body, parameters, tags, capabilities."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.engine.engine import Engine
from sandbox.control.cloudformation.engine.stack import OnFailure, Options, Stack
from sandbox.control.cloudformation.engine.work import resource_type
from sandbox.control.cloudformation.errors import ValidationError
from sandbox.control.cloudformation.template.model import ParameterValue, Template

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
MAX_BODY = 51_200  # bytes of TemplateBody; source: AWS CloudFormation User Guide, "Quotas"


async def template_body(engine: Engine, params: Mapping[str, Any], stack: Stack | None = None) -> str:
    """The template's text from ``TemplateBody``, ``TemplateURL`` or the stack. Raises ``AwsError``."""
    if params.get("UsePreviousTemplate"):
        if stack is None or stack.template is None:
            raise ValidationError(
                "Previous template cannot be used: the stack has none"
            )  # the text is UNSOURCED
        return stack.template.original
    body, url = params.get("TemplateBody"), params.get("TemplateURL")
    if (body is None) == (url is None):
        raise ValidationError("Either Template URL or Template Body must be specified.")
    if url is not None:
        return await fetch(engine, str(url))
    if len(str(body).encode()) > MAX_BODY:
        raise ValidationError(
            f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "
            f"length less than or equal to {MAX_BODY}"
        )
    return str(body)


async def fetch(engine: Engine, url: str) -> str:
    """A template from S3, by a path-style or host-style address."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    found = re.match(r"(?P<bucket>.+?)\.s3[.-]", host)
    if url.startswith("s3://") or not host:
        raise ValidationError("S3 error: Domain name specified in " + host + " is not a valid S3 domain")
    bucket, _, key = (found["bucket"], "", path) if found else path.partition("/")
    try:
        answer = await engine.sandbox.control.call("s3", "GetObject", Bucket=bucket, Key=key)
    except AwsError as e:
        raise ValidationError(f"S3 error: {e.message}") from e
    content = answer["Body"]
    data: bytes = content if isinstance(content, bytes) else content.read()
    return data.decode()


def stack_name(params: Mapping[str, Any]) -> str:
    """A new stack's name. Raises ``AwsError`` when it has a wrong form."""
    name = str(params["StackName"])
    if not _NAME.fullmatch(name):
        raise ValidationError(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )
    if len(name) > 128:
        raise ValidationError(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must "
            "have length less than or equal to 128"
        )
    return name


def parameters(
    params: Mapping[str, Any], stack: Stack | None
) -> tuple[dict[str, str], dict[str, ParameterValue]]:
    """Given values and those kept from the stack (``UsePreviousValue``)."""
    given: dict[str, str] = {}
    kept: dict[str, ParameterValue] = {}
    held = stack.template.parameters if stack is not None and stack.template is not None else {}
    for parameter in params.get("Parameters") or []:
        key = parameter["ParameterKey"]
        if parameter.get("UsePreviousValue"):
            if key not in held:
                raise ValidationError(
                    f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a "
                    "parameter key not in the previous template"
                )
            kept[key] = held[key]
        elif "ParameterValue" in parameter:
            given[key] = parameter["ParameterValue"]
        else:
            # The text is UNSOURCED.
            raise ValidationError(
                f"Parameter {key} should either have input value or specify usePreviousValue"
            )
    return given, kept


def options(params: Mapping[str, Any], base: Options = Options()) -> Options:  # noqa: B008  (frozen)
    """What the request says besides the template; what it does not say stays as in ``base``."""
    on_failure: OnFailure = params.get("OnFailure") or "ROLLBACK"
    if "DisableRollback" in params and "OnFailure" in params:
        # The text is UNSOURCED.
        raise ValidationError("You cannot set both OnFailure and DisableRollback in the same request")
    if params.get("DisableRollback") or params.get("OnStackFailure") == "DO_NOTHING":
        on_failure = "DO_NOTHING"
    elif params.get("OnStackFailure") == "DELETE":
        on_failure = "DELETE"
    tags = tuple((tag["Key"], tag["Value"]) for tag in params["Tags"]) if "Tags" in params else base.tags
    return Options(
        tags=tags,
        capabilities=tuple(params.get("Capabilities") or ()),
        notification_arns=tuple(params.get("NotificationARNs") or base.notification_arns),
        role_arn=params.get("RoleARN", base.role_arn),
        on_failure=on_failure,
        timeout_minutes=params.get("TimeoutInMinutes", base.timeout_minutes),
        parent_id=base.parent_id,
        root_id=base.root_id,
    )


def needed_capabilities(resources: Iterable[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """The IAM capability that resources (``Type``, ``Properties``) need, at most one, and the types that need it."""
    types: list[str] = []
    named = False
    for resource in resources:
        iam_name = resource_type(resource["Type"]).iam_name
        if iam_name is not None:
            types.append(resource["Type"])
            named = named or (bool(iam_name) and iam_name in (resource.get("Properties") or {}))
    if not types:
        return [], []
    return ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"], sorted(set(types))


def missing_capabilities(template: Template, given: tuple[str, ...], *, expand: bool) -> list[str]:
    """Capabilities that the request lacks. ``expand``: whether transforms need to be acknowledged."""
    resources = ({"Type": spec.type, "Properties": spec.properties} for spec in template.resources.values())
    missing = [c for c in needed_capabilities(resources)[0] if not _covers(given, c)]
    if expand and template.transforms and "CAPABILITY_AUTO_EXPAND" not in given:
        missing.append("CAPABILITY_AUTO_EXPAND")
    return missing


def _covers(given: tuple[str, ...], wanted: str) -> bool:
    return wanted in given or (wanted == "CAPABILITY_IAM" and "CAPABILITY_NAMED_IAM" in given)


def require_capabilities(template: Template, given: tuple[str, ...], *, expand: bool) -> None:
    """Raise ``InsufficientCapabilitiesException`` when some are lacking."""
    if missing := missing_capabilities(template, given, expand=expand):
        raise AwsError(
            400, "InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]"
        )
