"""SigV4 for the requests of HTTP data sources: with a session of the data source's role, on the sandbox's time.

Source: AppSync API Reference, ``AuthorizationConfig`` and ``AwsIamConfig``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.auth.canonical import canonical_requests, sign, string_to_sign
from sandbox.auth.request import HEADER_ALGORITHM, Scope, Signature, SignedRequest
from sandbox.services.appsync_sources.errors import SourceError

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.appsync import DataSource


async def headers(
    sandbox: Sandbox, source: DataSource, config: Mapping[str, Any], request: SignedRequest
) -> dict[str, str]:
    """The headers that sign a request. ``config``: ``awsIamConfig``. Raises :class:`SourceError`, ``AwsError``."""
    service = config.get("signingServiceName")
    if not source.role or not service:
        raise SourceError(f"{source.name} has no role or no signingServiceName.", "BadRequestException")
    session = {"RoleArn": source.role, "RoleSessionName": "APPSYNC_ASSUME_ROLE"}
    made = (await sandbox.control.call("sts", "AssumeRole", **session))["Credentials"]
    stamp = sandbox.clock.utcnow().strftime("%Y%m%dT%H%M%SZ")
    region = str(config.get("signingRegion") or sandbox.settings.region)
    own = {"x-amz-date": stamp, "x-amz-security-token": made["SessionToken"]}
    full = replace(request, headers=(*request.headers, *own.items()))
    names = tuple(sorted({name.lower() for name, _ in full.headers}))
    scope = Scope(made["AccessKeyId"], stamp[:8], region, str(service))
    signature = Signature(scope, names, "", stamp, made["SessionToken"], None)
    text = string_to_sign(canonical_requests(full, signature, scope.service)[0], signature)
    value = sign(made["SecretAccessKey"], signature, text)
    credential = f"{scope.access_key}/{scope}"
    own["authorization"] = (
        f"{HEADER_ALGORITHM} Credential={credential}, SignedHeaders={';'.join(names)}, Signature={value}"
    )
    return own
