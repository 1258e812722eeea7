"""Dynamic references: ``{{resolve:ssm:name}}`` and ``{{resolve:secretsmanager:id:SecretString:key}}``.

Source: AWS CloudFormation User Guide, "Get values stored in other services using dynamic references";
the messages as live tests in a public repository of 2026 (cfncompat) saw them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.errors import ResourceError

Call = Callable[..., Awaitable[dict[str, Any]]]
_PATTERN = re.compile(r"\{\{resolve:(ssm-secure|ssm|secretsmanager):([^}]+)\}\}")
_NAMED = re.compile(r"(arn:[^}]+:parameter/)?[^:]+(:\d+)?")  # a name, and a version which is a number


async def resolve_dynamic(value: Any, call: Call) -> Any:
    """The value with its dynamic references replaced. Raises :class:`ResourceError`."""
    if isinstance(value, dict):
        return {key: await resolve_dynamic(item, call) for key, item in value.items()}
    if isinstance(value, list):
        return [await resolve_dynamic(item, call) for item in value]
    if not isinstance(value, str) or "{{resolve:" not in value:
        return value
    result, at = "", 0
    for match in _PATTERN.finditer(value):
        result += value[at : match.start()] + await _fetch(match[1], match[2], call)
        at = match.end()
    return result + value[at:]


async def _fetch(service: str, rest: str, call: Call) -> str:
    try:
        if service == "secretsmanager":
            return await _secret(rest, call)
        if not _NAMED.fullmatch(rest):  # AWS says so before it begins: a label is no version
            reference = f"{{{{resolve:{service}:{rest}}}}}"
            raise ResourceError(f"Incorrect format is used in the following SSM reference: [{reference}]")
        answer = await call("ssm", "GetParameter", Name=rest, WithDecryption=service == "ssm-secure")
        return str(answer["Parameter"]["Value"])
    except AwsError as e:
        raise ResourceError(  # UNSOURCED
            f"Could not resolve dynamic reference {{{{resolve:{service}:{rest}}}}}: {e.message}"
        ) from e


async def _secret(rest: str, call: Call) -> str:
    if rest.startswith("arn:"):  # an ARN holds six colons before the secret's name ends
        parts = rest.split(":")
        name, more = ":".join(parts[:7]), parts[7:]
    else:
        name, *more = rest.split(":")
    kind, key, stage, version = (*more, "", "", "", "")[:4]
    if kind not in ("", "SecretString"):
        raise ResourceError(f"{{{{resolve:secretsmanager:{rest}}}}} does not name SecretString")  # UNSOURCED
    params: dict[str, str] = {"SecretId": name}
    if stage:
        params["VersionStage"] = stage
    if version:
        params["VersionId"] = version
    text = str((await call("secretsmanager", "GetSecretValue", **params))["SecretString"])
    if not key:
        return text
    try:
        held = json.loads(text)
    except ValueError as e:
        raise ResourceError("Could not parse SecretString JSON") from e
    try:
        return str(held[key])
    except (KeyError, TypeError) as e:
        raise ResourceError("Could not find a value associated with JSONKey in SecretString") from e
