"""Operations on services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control.app_runner import Application
from sandbox.control.shims.app_runner.state import State
from sandbox.control.shims.call import Call, Handler
from sandbox.control.validation import validate

_INSTANCE = {"Cpu": "1024", "Memory": "2048"}
_HEALTH = {
    "Protocol": "TCP", "Path": "/", "Interval": 5, "Timeout": 2, "HealthyThreshold": 1, "UnhealthyThreshold": 5,
}  # fmt: skip


class Services:
    """Create, describe, change, pause, resume and delete."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateService": self.create,
            "DescribeService": self.describe,
            "ListServices": self.list,
            "UpdateService": self.update,
            "StartDeployment": self.deploy,
            "PauseService": self.pause,
            "ResumeService": self.resume,
            "DeleteService": self.delete,
            "ListOperations": self.operations,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateService``. App Runner takes no new customers any more (facts 7.20); this account is one already."""
        validate(call.operation.model, call.params)
        given, state = call.params, self._state
        name = given["ServiceName"]
        if any(s.name == name and s.status != "DELETED" for s in state.records.services.values()):
            raise AwsError(
                400, "InvalidRequestException", f"Service with the provided name already exists: {name}."
            )
        _check(given)
        number = state.sandbox.ids.hex(32)
        arn, now = state.arn(f"service/{name}/{number}"), state.sandbox.clock.utcnow()
        region = call.target.region
        info = {
            "SourceConfiguration": given["SourceConfiguration"],
            "InstanceConfiguration": {**_INSTANCE, **(given.get("InstanceConfiguration") or {})},
            "HealthCheckConfiguration": {**_HEALTH, **(given.get("HealthCheckConfiguration") or {})},
            "NetworkConfiguration": {
                "EgressConfiguration": {"EgressType": "DEFAULT"},
                "IngressConfiguration": {"IsPubliclyAccessible": True},
                "IpAddressType": "IPV4",
            },
        }
        made = Application(
            arn,
            number,
            name,
            f"{state.sandbox.ids.text(10)}.{region}.awsapprunner.com",
            info,
            state.scaling(given.get("AutoScalingConfigurationArn")),
            now,
            now,
            tags=list(given.get("Tags") or []),
        )
        state.records.services[arn] = made
        return self._started(made, "CREATE_SERVICE", "RUNNING")

    def _started(self, service: Application, kind: str, wanted: str) -> Mapping[str, Any]:
        """Begin an operation; the answer to it."""
        state, now = self._state, self._state.sandbox.clock.utcnow()
        operation = state.sandbox.ids.uuid()
        service.operations.insert(
            0,
            {
                "Id": operation,
                "Type": kind,
                "Status": "IN_PROGRESS",
                "TargetArn": service.arn,
                "StartedAt": now,
                "UpdatedAt": now,
            },
        )
        service.status, service.wanted, service.updated = "OPERATION_IN_PROGRESS", wanted, now
        answer = {"Service": _shown(service), "OperationId": operation}
        state.records.changes.tell()
        return answer

    def _idle(self, arn: str, *states: str) -> Application:
        """A service in one of these states. Raises ``AwsError``."""
        found = self._state.service(arn)
        if found.status not in states:
            raise AwsError(
                400,
                "InvalidStateException",
                f"Service cannot be changed in the current state: {found.status}.",
            )
        return found

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeService``: of one that is deleted too."""
        arn = call.params["ServiceArn"]
        found = self._state.records.services.get(arn) or self._state.service(arn)
        return {"Service": _shown(found)}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListServices``."""
        names = ["ServiceName", "ServiceId", "ServiceArn", "ServiceUrl", "CreatedAt", "UpdatedAt", "Status"]
        found = [_shown(s) for s in self._state.records.services.values() if s.status != "DELETED"]
        return {"ServiceSummaryList": [{name: one[name] for name in names} for one in found]}

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateService``: a new deployment."""
        validate(call.operation.model, call.params)
        given, service = call.params, self._idle(call.params["ServiceArn"], "RUNNING")
        if "SourceConfiguration" in given:
            _check(given)
            service.info["SourceConfiguration"] = given["SourceConfiguration"]
        for name in ("InstanceConfiguration", "HealthCheckConfiguration"):
            service.info[name] = {**service.info[name], **(given.get(name) or {})}
        if "AutoScalingConfigurationArn" in given:
            service.scaling = self._state.scaling(given["AutoScalingConfigurationArn"])
        return self._started(service, "UPDATE_SERVICE", "RUNNING")

    async def deploy(self, call: Call) -> Mapping[str, Any]:
        """``StartDeployment``."""
        service = self._idle(call.params["ServiceArn"], "RUNNING")
        started = self._started(service, "START_DEPLOYMENT", "RUNNING")
        return {"OperationId": started["OperationId"]}

    async def pause(self, call: Call) -> Mapping[str, Any]:
        """``PauseService``."""
        return self._started(self._idle(call.params["ServiceArn"], "RUNNING"), "PAUSE_SERVICE", "PAUSED")

    async def resume(self, call: Call) -> Mapping[str, Any]:
        """``ResumeService``."""
        return self._started(self._idle(call.params["ServiceArn"], "PAUSED"), "RESUME_SERVICE", "RUNNING")

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteService``."""
        states = ("RUNNING", "PAUSED", "CREATE_FAILED", "DELETE_FAILED")
        return self._started(self._idle(call.params["ServiceArn"], *states), "DELETE_SERVICE", "DELETED")

    async def operations(self, call: Call) -> Mapping[str, Any]:
        """``ListOperations``."""
        arn = call.params["ServiceArn"]
        found = self._state.records.services.get(arn) or self._state.service(arn)
        return {"OperationSummaryList": found.operations}


def _check(given: Mapping[str, Any]) -> None:
    source = given["SourceConfiguration"]
    if "ImageRepository" not in source:
        raise NotEmulatedError("App Runner services from source code: give an ImageRepository")
    network = given.get("NetworkConfiguration") or {}
    if (network.get("IngressConfiguration") or {}).get("IsPubliclyAccessible") is False:
        raise NotEmulatedError("private App Runner services")


def _shown(service: Application) -> dict[str, Any]:
    scaling = service.scaling.info
    names = [
        "AutoScalingConfigurationArn",
        "AutoScalingConfigurationName",
        "AutoScalingConfigurationRevision",
    ]
    return {
        "ServiceName": service.name,
        "ServiceId": service.id,
        "ServiceArn": service.arn,
        "ServiceUrl": service.url,
        "CreatedAt": service.created,
        "UpdatedAt": service.updated,
        "Status": service.status,
        **service.info,
        "AutoScalingConfigurationSummary": {name: scaling[name] for name in names},
    }
