"""One repair of moto's S3: bucket policies are weighed without their conditions.

So ``Deny`` unless ``aws:SecureTransport``, which SAM's and the CDK's own buckets carry, would deny everything. A
request on the loopback counts as secure here; a statement about that key says nothing about it.
"""

from __future__ import annotations

import json
from typing import Any

_SECURE = "aws:securetransport"


def adopt() -> None:
    """Let moto's buckets leave out statements about TLS. Once for a process is enough; again does no harm."""
    from moto.iam.access_control import IAMPolicy, PermissionResult
    from moto.s3.models import FakeBucket

    def get_permission(self: Any, action: str, resource: str) -> Any:
        if self.policy is None:
            return PermissionResult.NEUTRAL
        policy = json.loads(self.policy)
        statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
        policy["Statement"] = [s for s in statements if not _about_tls(s)]
        return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)

    setattr(FakeBucket, "get_permission", get_permission)  # noqa: B010 - a repair of a class that is not ours


def _about_tls(statement: dict[str, Any]) -> bool:
    conditions = statement.get("Condition") or {}
    return any(key.lower() == _SECURE for tests in conditions.values() for key in tests)
