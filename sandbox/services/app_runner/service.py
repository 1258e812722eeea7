"""App Runner's data plane: services come up as processes, and requests go to their instances (facts 7.20, 7.21)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping

from sandbox.aws.errors import AwsError
from sandbox.context import Address, Receive, Sandbox, Scope, Send
from sandbox.control.app_runner import Application
from sandbox.services.app_runner.forwarding import Forwarding
from sandbox.services.app_runner.instances import DeploymentError, Instances

_HOST = re.compile(r"(?P<id>[a-z0-9]+)\.[a-z]+(?:-[a-z0-9]+)+\.awsapprunner\.(?:com|localhost)")
_log = logging.getLogger(__name__)


class AppRunnerService:
    """Answers ``<id>.<region>.awsapprunner.com``."""

    name = "app_runner"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._instances = Instances(sandbox)
        self._forwarding = Forwarding(sandbox, self._instances)
        self._forget: Callable[[], None] | None = None

    def match(self, address: Address) -> Mapping[str, str] | None:
        """``{"id"}``: the first label of a service's URL."""
        found = _HOST.fullmatch(address.host)
        return {"id": found["id"]} if found else None

    async def start(self) -> None:
        """Watch the records."""
        self._forget = self._sandbox.control.applications.changes.listen(self._look)

    async def stop(self) -> None:
        """Close the connections to instances; the instances are ECS's to end."""
        if self._forget is not None:
            self._forget()
            self._forget = None
        self._forwarding.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        application = self._sandbox.control.applications.by_host(scope["aws"]["id"])
        if application is None:
            raise AwsError(404, "ResourceNotFoundException", f"There is no service {scope['aws']['id']}.")
        if scope["type"] == "websocket":  # App Runner has none; what a client sees is UNSOURCED
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        await self._forwarding.answer(application, scope, receive, send)

    # -- what the records want

    def _look(self) -> None:
        for application in list(self._sandbox.control.applications.services.values()):
            wanted, application.wanted = application.wanted, None
            if wanted is not None:
                work = self._bring_about(application, wanted)
                self._sandbox.spawn(work, f"App Runner: {application.name}")

    async def _bring_about(self, application: Application, wanted: str) -> None:
        fails = (
            "CREATE_FAILED" if application.operations[0]["Type"] == "CREATE_SERVICE" else application.status
        )
        try:
            if wanted == "RUNNING":
                await self._instances.bring_up(application)
            else:
                await self._instances.end(application, for_good=wanted == "DELETED")
        except (DeploymentError, AwsError) as error:
            application.reason = str(error)
            self._end(application, fails if fails == "CREATE_FAILED" else "RUNNING", "FAILED")
        except Exception as error:
            _log.exception("App Runner failed on %s", application.name)
            application.reason = repr(error)
            self._end(application, "CREATE_FAILED", "FAILED")
        else:
            self._end(application, wanted, "SUCCEEDED")

    def _end(self, application: Application, status: str, outcome: str) -> None:
        now = self._sandbox.clock.utcnow()
        application.status, application.updated = status, now
        application.operations[0] |= {"Status": outcome, "EndedAt": now, "UpdatedAt": now}
        self._sandbox.timeline.record(
            self.name, "status", application.name, status=status, reason=application.reason
        )
        self._sandbox.control.applications.changes.tell()
