"""AWS's own managed policies: moto has their texts, but loads none unless asked to load all 1,582 (a second).

Here a policy comes into being when it is first named; SAM attaches ``AWSLambdaBasicExecutionRole`` to every role.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from sandbox.context import Settings
from sandbox.control.message import Response
from sandbox.control.moto_backend import MotoBackend
from sandbox.control.shims.call import Call, Handler

_PREFIX = "arn:aws:iam::aws:policy/"
_OPERATIONS = (
    *(f"{verb}{owner}Policy" for verb in ("Attach", "Detach") for owner in ("Role", "User", "Group")),
    "GetPolicy",
    "GetPolicyVersion",
    "ListPolicyVersions",
    "ListEntitiesForPolicy",
)


class ManagedPolicies:
    """Makes AWS's managed policies as they are named."""

    def __init__(self, settings: Settings, moto: MotoBackend) -> None:
        self._settings = settings
        self._moto = moto

    def handlers(self) -> dict[str, Handler]:
        """The IAM operations that name a policy by its ARN."""
        return dict.fromkeys(_OPERATIONS, self._answer)

    async def _answer(self, call: Call) -> Response:
        arn = str(call.params.get("PolicyArn", ""))
        if arn.startswith(_PREFIX):
            await self._moto.run(lambda: self._make(arn))
        return await call.moto()

    def _make(self, arn: str) -> None:
        from moto.iam.models import AWSManagedPolicy, iam_backends

        backend = iam_backends[self._settings.account]["aws"]
        name = arn.rpartition("/")[2]
        data = _known().get(name)
        if data is None or arn in backend.managed_policies:
            return
        policy = AWSManagedPolicy.from_data(name, self._settings.account, backend.region_name, dict(data))
        if policy.arn == arn:  # the path is right as well
            backend.managed_policies[arn] = policy


@functools.cache
def _known() -> Mapping[str, Mapping[str, Any]]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    found: Mapping[str, Mapping[str, Any]] = json.loads(aws_managed_policies_data)
    return found
