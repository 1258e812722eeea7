"""Stories with LocalStack: behind the sandbox (``--backend``), or alone, for comparison (``--plain``).

Alone means: the pattern is deployed into LocalStack, clients ask LocalStack, on the real clock; only the model is the
sandbox's, so that both are asked the same. Stacks are deleted at the end, since LocalStack is not the story's own.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

from sandbox.aws.errors import AwsError
from sandbox.backend import BackendError
from sandbox.clock import Clock, ClockKind
from sandbox.context import Sandbox
from sandbox.stories.model import Story
from sandbox.stories.results import StoryResult
from sandbox.stories.runner import Workshop, real_workshop, run_story

Call = Callable[..., Awaitable[dict[str, Any]]]
_KNOCK_S = 5.0
_GONE_S = 60  # for a stack to be deleted


@dataclass(frozen=True, slots=True)
class WithLocalStack:
    """Plays stories with the sandbox before a LocalStack."""

    url: str

    def __call__(self, story: Story, clock: ClockKind, as_of: date | None) -> StoryResult:
        """Play one."""
        parts = real_workshop()
        seed = crc32(f"{story.pattern}/{story.id}".encode())  # names of stories that run at once differ

        @asynccontextmanager
        async def opened(clock: Clock, *, as_of: date | None) -> AsyncIterator[Sandbox]:
            from sandbox.app import open_sandbox

            async with open_sandbox(clock, as_of=as_of, localstack_url=self.url, seed=seed) as sandbox:
                try:
                    yield sandbox
                finally:
                    stacks = (await sandbox.control.call("cloudformation", "DescribeStacks"))["Stacks"]
                    with clock.in_flight("deletion of the stacks"):
                        await _delete(sandbox.control.call, [one["StackName"] for one in stacks])

        return run_story(story, clock, as_of, Workshop(opened, parts.deploy, parts.refusals))


@dataclass(slots=True)
class PlainSandbox(Sandbox):
    """LocalStack in the place of the sandbox: requests and API calls go there. ``model`` is still ours."""

    plain_url: str = ""
    stacks: list[str] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """LocalStack's address."""
        return self.plain_url


@dataclass(frozen=True, slots=True)
class PlainLocalStack:
    """Plays stories against LocalStack alone, whatever clock is asked for on the real one."""

    url: str

    def __call__(self, story: Story, clock: ClockKind, as_of: date | None) -> StoryResult:
        """Play one."""
        refusals = (*real_workshop().refusals, PlainError)
        return run_story(story, "real", as_of, Workshop(self._opened, _deploy_there, refusals))

    @asynccontextmanager
    async def _opened(self, clock: Clock, *, as_of: date | None) -> AsyncIterator[Sandbox]:
        from sandbox.app import open_sandbox

        await asyncio.to_thread(_knock, self.url)
        async with open_sandbox(clock, as_of=as_of) as ours:
            parts = {one.name: getattr(ours, one.name) for one in fields(Sandbox) if one.init}
            plain = PlainSandbox(**parts, plain_url=self.url)
            plain.model, plain.lambda_ = ours.model, ours.lambda_
            control: Any = _There(self.url, ours.settings.region)
            plain.control = control
            try:
                yield plain
            finally:
                await _delete(control.call, plain.stacks)


def _knock(url: str) -> None:
    """Raises ``BackendError`` when nothing listens there."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), _KNOCK_S).close()
    except OSError as error:
        told = f"LocalStack at {url} does not answer: {error.strerror or error}."
        raise BackendError(f"{told} Is it running? (--plain localstack={url})") from error


class PlainError(Exception):
    """LocalStack could not be asked."""


class _There:
    """API calls to LocalStack, by botocore's names."""

    def __init__(self, url: str, region: str) -> None:
        self._url = url
        self._region = region

    async def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """Call an API. Raises ``AwsError``, :class:`PlainError`."""
        return await asyncio.to_thread(self._call, service, operation, params)

    def _call(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        from botocore import xform_name
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        from sandbox.aws.session import NO_PROXIES, bare_session

        client = bare_session().create_client(
            service,
            region_name=self._region,
            endpoint_url=self._url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies=NO_PROXIES, retries={"total_max_attempts": 1}),
        )
        try:
            found: dict[str, Any] = getattr(client, xform_name(operation))(**params)
        except ClientError as error:
            answer = error.response
            status = answer["ResponseMetadata"]["HTTPStatusCode"]
            raise AwsError(status, answer["Error"]["Code"], answer["Error"]["Message"]) from error
        except BotoCoreError as error:
            raise PlainError(f"LocalStack at {self._url}: {error}") from error
        return found


async def _deploy_there(
    sandbox: Sandbox, template: Path, stack: str, parameters: Mapping[str, str]
) -> Mapping[str, str]:
    from sandbox.control.cloudformation.deploy import deploy_remote

    assert isinstance(sandbox, PlainSandbox)
    name = f"{stack}-{sandbox.settings.port}"  # stories of a pattern may run at once
    sandbox.stacks.append(name)
    return await asyncio.to_thread(deploy_remote, sandbox.endpoint, template, name, parameters)


async def _delete(call: Call, stacks: Sequence[str]) -> None:
    """Delete stacks and wait until they are gone, or until they cannot be deleted."""
    for name in stacks:
        await call("cloudformation", "DeleteStack", StackName=name)
        for _ in range(_GONE_S):
            try:
                found = await call("cloudformation", "DescribeStacks", StackName=name)
            except AwsError:
                break
            if not found["Stacks"][0]["StackStatus"].endswith("_IN_PROGRESS"):
                break
            await asyncio.sleep(1)
