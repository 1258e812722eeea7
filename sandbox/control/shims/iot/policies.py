"""IoT policies, their versions, and what they are attached to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.iot.state import (
    MOST_VERSIONS,
    Policy,
    State,
    Version,
    check,
    document_of,
    invalid,
    not_found,
)


class Policies:
    """The operations on policies."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreatePolicy": self.create,
            "GetPolicy": self.get,
            "DeletePolicy": self.delete,
            "ListPolicies": self.list_policies,
            "CreatePolicyVersion": self.create_version,
            "GetPolicyVersion": self.get_version,
            "ListPolicyVersions": self.list_versions,
            "DeletePolicyVersion": self.delete_version,
            "SetDefaultPolicyVersion": self.set_default,
            "AttachPolicy": self.attach,
            "DetachPolicy": self.detach,
            "AttachPrincipalPolicy": self.attach,
            "DetachPrincipalPolicy": self.detach,
            "ListAttachedPolicies": self.list_attached,
            "ListPrincipalPolicies": self.list_attached,
            "ListTargetsForPolicy": self.list_targets,
            "ListPolicyPrincipals": self.list_principals,
            "GetEffectivePolicies": self.effective,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreatePolicy``."""
        check(call)
        name, text = call.params["policyName"], call.params["policyDocument"]
        if name in self._state.policies:
            message = f"Policy cannot be created - name already exists (name={name})"
            raise AwsError(409, "ResourceAlreadyExistsException", message)
        document_of(text)
        policy = self._state.policies[name] = Policy(name, [Version("1", text, self._state.now())], "1")
        arn = self._state.arn("policy", name)
        self._state.tags[arn] = {one["Key"]: one.get("Value", "") for one in call.params.get("tags") or ()}
        return {**self._summary(policy), "policyDocument": text, "policyVersionId": "1"}

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetPolicy``."""
        policy = self._policy(call)
        dates = {
            "creationDate": policy.versions[0].made,
            "lastModifiedDate": max(one.made for one in policy.versions),
        }
        shown = {
            "policyDocument": policy.current.document,
            "defaultVersionId": policy.default,
            "generationId": "1",
        }
        return {**self._summary(policy), **shown, **dates}

    async def delete(self, call: Call) -> None:
        """``DeletePolicy``: not while it is attached or has other versions."""
        policy = self._policy(call)
        if policy.targets:
            why = "as the policy is attached to one or more principals"
            raise _conflict(f"The policy cannot be deleted {why} (name={policy.name})")
        if len(policy.versions) > 1:
            why = "because it has one or more policy versions attached to it"
            raise _conflict(f"Cannot delete the policy {why} (name={policy.name})")
        del self._state.policies[policy.name]
        self._state.tags.pop(self._state.arn("policy", policy.name), None)

    async def list_policies(self, call: Call) -> Mapping[str, Any]:
        """``ListPolicies``."""
        found = [self._summary(one) for one in self._state.policies.values()]
        if not call.params.get("ascendingOrder"):
            found.reverse()
        return _paged(call, "policies", found)

    async def create_version(self, call: Call) -> Mapping[str, Any]:
        """``CreatePolicyVersion``."""
        policy, text = self._policy(call), call.params["policyDocument"]
        document_of(text)
        if len(policy.versions) >= MOST_VERSIONS:
            message = f"The policy {policy.name} already has the maximum number of versions ({MOST_VERSIONS})"
            raise AwsError(409, "VersionsLimitExceededException", message)
        policy.numbered += 1
        version = Version(str(policy.numbered), text, self._state.now())
        policy.versions.append(version)
        if call.params.get("setAsDefault"):
            policy.default = version.id
        return self._version(policy, version)

    async def get_version(self, call: Call) -> Mapping[str, Any]:
        """``GetPolicyVersion``."""
        policy = self._policy(call)
        version = self._numbered(policy, call.params["policyVersionId"])
        more = {"policyName": policy.name, "lastModifiedDate": version.made, "creationDate": version.made}
        return {**self._version(policy, version), **more, "generationId": "1"}

    async def list_versions(self, call: Call) -> Mapping[str, Any]:
        """``ListPolicyVersions``."""
        policy = self._policy(call)
        return {
            "policyVersions": [
                {"versionId": one.id, "isDefaultVersion": one.id == policy.default, "createDate": one.made}
                for one in policy.versions
            ]
        }

    async def delete_version(self, call: Call) -> None:
        """``DeletePolicyVersion``: not of the one that counts."""
        policy = self._policy(call)
        version = self._numbered(policy, call.params["policyVersionId"])
        if version.id == policy.default:
            raise invalid("Cannot delete the default version of a policy")
        policy.versions.remove(version)

    async def set_default(self, call: Call) -> None:
        """``SetDefaultPolicyVersion``."""
        policy = self._policy(call)
        policy.default = self._numbered(policy, call.params["policyVersionId"]).id

    async def attach(self, call: Call) -> None:
        """``AttachPolicy``: to a certificate, a thing group or a Cognito identity; a second time is no error."""
        policy, target = self._policy(call), _target(call)
        if not target:
            raise invalid(
                "target must be the ARN of a certificate or thing group, or the id of a Cognito identity"
            )
        if target not in policy.targets:
            policy.targets.append(target)

    async def detach(self, call: Call) -> None:
        """``DetachPolicy``."""
        policy, target = self._policy(call), _target(call)
        if target in policy.targets:
            policy.targets.remove(target)

    async def list_attached(self, call: Call) -> Mapping[str, Any]:
        """``ListAttachedPolicies``."""
        target = _target(call)
        found = [self._summary(one) for one in self._state.policies.values() if target in one.targets]
        return _paged(call, "policies", found)

    async def list_targets(self, call: Call) -> Mapping[str, Any]:
        """``ListTargetsForPolicy``."""
        return _paged(call, "targets", self._policy(call).targets)

    async def list_principals(self, call: Call) -> Mapping[str, Any]:
        """``ListPolicyPrincipals``."""
        return _paged(call, "principals", self._policy(call).targets)

    async def effective(self, call: Call) -> Mapping[str, Any]:
        """``GetEffectivePolicies`` of a principal; those of thing groups are not added."""
        principal = call.params.get("principal")
        found = [one for one in self._state.policies.values() if principal in one.targets]
        return {
            "effectivePolicies": [
                {**self._summary(one), "policyDocument": one.current.document} for one in found
            ]
        }

    def _policy(self, call: Call) -> Policy:
        return self._state.policy(call.params["policyName"])

    def _numbered(self, policy: Policy, version_id: str) -> Version:
        for one in policy.versions:
            if one.id == version_id:
                return one
        raise not_found(f"Policy version not found (policyName={policy.name}, versionId={version_id})")

    def _summary(self, policy: Policy) -> dict[str, Any]:
        return {"policyName": policy.name, "policyArn": self._state.arn("policy", policy.name)}

    def _version(self, policy: Policy, version: Version) -> dict[str, Any]:
        return {
            "policyArn": self._state.arn("policy", policy.name),
            "policyDocument": version.document,
            "policyVersionId": version.id,
            "isDefaultVersion": version.id == policy.default,
        }


def _target(call: Call) -> str:
    return str(call.params.get("target") or call.params.get("principal") or "")


def _paged(call: Call, name: str, items: Sequence[Any]) -> dict[str, Any]:
    found, marker = page(items, call.params.get("pageSize"), call.params.get("marker"), 250)
    return {name: found, **({"nextMarker": marker} if marker else {})}


def _conflict(message: str) -> AwsError:
    return AwsError(409, "DeleteConflictException", message)
