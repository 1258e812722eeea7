"""Which service is LocalStack's, found out once by a real call, and the way to it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from sandbox.backend import BackendError
from sandbox.context import Sandbox
from sandbox.control.calls import Caller
from sandbox.control.localstack.link import Link
from sandbox.control.localstack.people import LocalStackPeople
from sandbox.control.localstack.probes import PROBES, Probe
from sandbox.control.message import Request, Response
from sandbox.control.people import People
from sandbox.control.target import Target

PROBE_S = 20.0  # on the machine's clock
HEALTH = "/_localstack/health"
_QUEUE_URL = re.compile(rb"https?://[^/\"<\s]+/(?:queue/[a-z0-9-]+/)?(?=\d{12}/)")
ON_ITS_OWN_TIME = "it waits and expires by the machine's clock, the sandbox lives on the virtual one"


class LocalStack:
    """A LocalStack that somebody else runs. ``url``: where."""

    def __init__(self, sandbox: Sandbox, url: str) -> None:
        self.url = url
        self._sandbox = sandbox
        self._link = Link(url, sandbox.settings.account)
        self._found: dict[str, asyncio.Task[str | None]] = {}
        self._people: LocalStackPeople | None = None

    def people(self, otherwise: People) -> People:
        """IAM's roles and users. ``otherwise``: asked when it has no IAM."""
        caller = Caller(self._sandbox.settings, self.ask)

        def ask(service: str, operation: str, **params: Any) -> Awaitable[dict[str, Any]]:
            return caller.call(service, operation, params, self._region)

        self._people = LocalStackPeople(ask, lambda: self.has("iam"), otherwise)
        return self._people

    def reset(self) -> None:
        """Forget what was learned on the way; what exists in it stays."""
        if self._people is not None:
            self._people.reset()

    def close(self) -> None:
        """Leave it; it runs on."""
        self._link.close()

    async def check(self) -> None:
        """Make sure that it is LocalStack and answers calls. Raises :class:`BackendError` that says what is wrong."""
        await self._check_kind()
        wrong = await self._probed(PROBES["sts"])
        if wrong is not None:
            raise BackendError(f"LocalStack at {self.url} does not answer sts GetCallerIdentity: {wrong}")

    async def _check_kind(self) -> None:
        try:
            page = await self._link.send(Request("GET", "", HEALTH), "sts", self._region, patience_s=10)
        except BackendError as error:
            raise BackendError(f"{error} Is it running? (--backend localstack={self.url})") from error
        try:
            known = "services" in json.loads(page.body)
        except ValueError:
            known = False
        if page.status != 200 or not known:
            raise BackendError(f"{self.url} answers, but is not LocalStack (GET {HEALTH}: {page.status})")

    # -- which services ------------------------------------------------------------------------------

    async def has(self, service: str) -> bool:
        """Whether a service is asked here. The first question is a real call."""
        return service in PROBES and await self._reason(service) is None

    async def _reason(self, service: str) -> str | None:
        """Why a service is not asked here; ``None``: it is."""
        task = self._found.get(service)
        if task is None:
            task = self._found[service] = asyncio.create_task(self._judge(PROBES[service]))
        return await asyncio.shield(task)

    async def _judge(self, probe: Probe) -> str | None:
        if probe.own_time and self._sandbox.clock.kind != "real":
            return ON_ITS_OWN_TIME
        if probe.with_ is not None and (why := await self._reason(probe.with_)):
            return f"{probe.with_} is not: {why}"
        return await self._probed(probe)

    async def _probed(self, probe: Probe) -> str | None:
        """What is wrong with a service, by a real call."""
        headers = (*probe.headers, ("x-amz-account-id", self._sandbox.settings.account))
        request = Request(probe.method, "", probe.path, "", headers, probe.body)
        try:
            answer = await self._link.send(request, probe.signing, self._region, patience_s=PROBE_S)
        except BackendError as error:
            return str(error)
        if answer.status < 500:
            return None
        return f"{answer.status} {_message(answer.body)}".strip()

    def routes(self) -> dict[str, Any]:
        """What is known so far: ``{"url", "localstack": [services], "moto": {service: why}}``."""
        known = {name: task.result() for name, task in self._found.items() if task.done()}
        return {
            "url": self.url,
            "localstack": sorted(name for name, why in known.items() if why is None),
            "moto": {name: why for name, why in sorted(known.items()) if why is not None},
        }

    # -- asking --------------------------------------------------------------------------------------

    @property
    def _region(self) -> str:
        return self._sandbox.settings.region

    async def ask(self, target: Target, request: Request, *, quiet: bool = False) -> Response:
        """LocalStack's answer to a request for a service that it has."""
        if target.bucket:  # it knows buckets by the hosts of its own name; by path by any
            request = replace(request, path=f"/{target.bucket}{request.path}")
        answer = await self._link.ask(request, PROBES[target.service].signing, target.region)
        if target.service == "iam" and self._people is not None:
            self._people.note(request, answer)
        return _with_our_queue_urls(request, answer) if target.service == "sqs" else answer


def _message(body: bytes) -> str:
    """The message of an error in any of AWS's protocols."""
    text = body.decode("utf-8", "replace")
    found = re.search(r'"message"\s*:\s*"((?:[^"\\]|\\.)*)"|<Message>([^<]*)', text, re.IGNORECASE)
    return ((found[1] or found[2]) if found else text)[:300]


def _with_our_queue_urls(request: Request, answer: Response) -> Response:
    """Queue URLs that lead to the sandbox: SDKs take a queue's URL for the address to ask."""
    if b"QueueUrl" not in answer.body:
        return answer
    ours = f"{request.scheme}://{request.host}/".encode("latin-1")
    return replace(answer, body=_QUEUE_URL.sub(lambda _: ours, answer.body))
