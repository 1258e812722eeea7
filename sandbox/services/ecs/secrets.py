"""``secrets`` of a container definition, from Secrets Manager and Parameter Store, when the task starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox


class SecretError(Exception):
    """A secret cannot be had; the text is the reason with which the task stops."""


async def resolve(sandbox: Sandbox, definition: Mapping[str, Any]) -> dict[str, str]:
    """The variables with their values. Raises :class:`SecretError`."""
    found = {}
    for secret in definition.get("secrets") or []:
        source = secret["valueFrom"]
        try:
            found[secret["name"]] = await _value(sandbox, source)
        except AwsError as error:
            # As the Fargate platform puts it (Amazon ECS Developer Guide, "Stopped tasks error messages").
            raise SecretError(
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
                f"failed: unable to retrieve secret {source} for {secret['name']} of the container "
                f"{definition['name']}: {error.code}: {error.message}"
            ) from error
    return found


async def _value(sandbox: Sandbox, source: str) -> str:
    call = sandbox.control.call
    if ":secretsmanager:" not in source:
        name = source.partition(":parameter")[2] if source.startswith("arn:") else source
        answer = await call("ssm", "GetParameter", Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])
    parts = source.split(":")
    arn, (key, stage, version) = ":".join(parts[:7]), (*parts[7:10], "", "", "")[:3]
    chosen = ({"VersionStage": stage} if stage else {}) | ({"VersionId": version} if version else {})
    answer = await call("secretsmanager", "GetSecretValue", SecretId=arn, **chosen)
    text = str(answer["SecretString"])
    if not key:
        return text
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError) as error:
        raise AwsError(400, "ResourceInitializationError", f"the secret has no JSON key {key!r}") from error
