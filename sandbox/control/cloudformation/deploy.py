"""Deploying a template from this machine: package, create or update, wait, and say what came of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.aws.errors import AwsError
from sandbox.aws.session import NO_PROXIES, bare_session
from sandbox.control.cloudformation.api.inputs import MAX_BODY
from sandbox.control.cloudformation.errors import DeployError, TemplateError, ValidationError
from sandbox.control.cloudformation.packaging import artifacts, key_of
from sandbox.control.cloudformation.template.reader import Document, read

if TYPE_CHECKING:
    from sandbox.context import Sandbox

__all__ = ["DeployError", "Deployed", "TemplateError", "deploy", "deploy_remote"]

Call = Callable[..., Awaitable[dict[str, Any]]]
_ALL = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_START_ANEW = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS"}
_KEY = re.compile(r"#(?P<path>[^:,]*): (?:extraneous|required) key \[(?P<key>[^\]]+)\]")


class Deployed(dict[str, str]):
    """A stack as deployed: its outputs by name.

    ``resources``: logical id -> physical id; ``stack_id``: its ARN.
    """

    def __init__(self, outputs: Mapping[str, str], resources: Mapping[str, str], stack_id: str) -> None:
        super().__init__(outputs)
        self.resources = dict(resources)
        self.stack_id = stack_id

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs alone."""
        return dict(self)


async def deploy(
    sandbox: Sandbox, template: Path, stack: str, parameters: Mapping[str, str] | None = None
) -> Deployed:
    """Deploy into a sandbox of this process. A stack that exists is updated; no changes are no error.

    Raises :class:`TemplateError` (file and line) for a template that is refused and :class:`DeployError` (the
    failed resources and why) for a stack that fails.
    """
    settings = sandbox.settings
    return await _Deployment(
        sandbox.control.call, template, stack, parameters or {}, settings.account, settings.region
    ).run()


def deploy_remote(
    endpoint: str,
    template: Path,
    stack: str,
    parameters: Mapping[str, str] | None = None,
    region: str = "us-east-1",
) -> Deployed:
    """Deploy into the sandbox of ``region`` that answers at ``endpoint`` (``http://127.0.0.1:4566``).

    Raises as :func:`deploy`.
    """
    import boto3
    from botocore import xform_name
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.Session(
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name=region,
        botocore_session=bare_session(),
    )
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, proxies=NO_PROXIES)
    clients: dict[str, Any] = {}

    async def call(service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        if service not in clients:
            clients[service] = session.client(service, endpoint_url=endpoint, config=config)
        try:
            found: dict[str, Any] = await asyncio.to_thread(
                getattr(clients[service], xform_name(operation)), **params
            )
        except ClientError as e:
            answer = e.response
            status = answer["ResponseMetadata"]["HTTPStatusCode"]
            raise AwsError(status, answer["Error"]["Code"], answer["Error"]["Message"]) from e
        except BotoCoreError as e:
            raise DeployError(f"{endpoint}: {e}") from e
        return found

    async def main() -> Deployed:
        account = (await call("sts", "GetCallerIdentity"))["Account"]
        return await _Deployment(call, template, stack, parameters or {}, account, region, pause_s=0.5).run()

    return asyncio.run(main())


@dataclass
class _Deployment:
    call: Call
    template: Path
    stack: str
    parameters: Mapping[str, str]
    account: str
    region: str
    pause_s: float = 0.0  # between looks at the stack, besides the time that the answer is held
    uploaded: set[str] = field(default_factory=set)

    @property
    def bucket(self) -> str:
        return f"sandbox-deploy-{self.account}-{self.region}"

    async def run(self) -> Deployed:
        document = _read(self.template)
        body = await self._package(document, self.template)
        source = await self._source(body)
        request = {
            "StackName": self.stack,
            **source,
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()],
            "Capabilities": _ALL,
        }
        try:
            await self._start(request)
        except AwsError as e:
            if e.code != "ValidationError":
                raise DeployError(f"{self.template}: {e.code}: {e.message}") from e
            raise TemplateError(e.message, self.template, await self._find(document, body, e.message)) from e
        return await self._finish(document)

    async def _package(self, document: Document, template: Path) -> str:
        """Upload what the template names; the template's new text."""
        for artifact in artifacts(document, template):
            if artifact.nested:
                inner = _read(artifact.path)
                content = (await self._package(inner, artifact.path)).encode()
            else:
                content = await asyncio.to_thread(artifact.content)
            artifact.put(self.bucket, await self._upload(content))
        return json.dumps(document.value)

    async def _upload(self, content: bytes) -> str:
        key = key_of(content)
        if not self.uploaded:
            try:
                await self.call("s3", "HeadBucket", Bucket=self.bucket)
            except AwsError:
                await self.call("s3", "CreateBucket", Bucket=self.bucket)
        if key not in self.uploaded:
            await self.call("s3", "PutObject", Bucket=self.bucket, Key=key, Body=content)
            self.uploaded.add(key)
        return key

    async def _source(self, body: str) -> dict[str, str]:
        if len(body.encode()) <= MAX_BODY:
            return {"TemplateBody": body}
        key = await self._upload(body.encode())
        return {"TemplateURL": f"https://s3.amazonaws.com/{self.bucket}/{key}"}

    async def _start(self, request: dict[str, Any]) -> None:
        status = await self._status()
        if status in _START_ANEW:
            await self.call("cloudformation", "DeleteStack", StackName=self.stack)
            status = await self._settled()
            if status is not None and status != "DELETE_COMPLETE":
                raise DeployError(f"stack {self.stack} could not be deleted: {status}", await self._reasons())
        if status is None or status == "DELETE_COMPLETE":
            await self.call("cloudformation", "CreateStack", **request)
            return
        try:
            await self.call("cloudformation", "UpdateStack", **request)
        except AwsError as e:
            if "No updates are to be performed" not in e.message:
                raise

    async def _status(self) -> str | None:
        try:
            answer = await self.call("cloudformation", "DescribeStacks", StackName=self.stack)
        except AwsError as e:
            if "does not exist" in e.message:
                return None
            raise
        return str(answer["Stacks"][0]["StackStatus"])

    async def _settled(self) -> str | None:
        while True:
            status = await self._status()
            if status is None or not status.endswith("_IN_PROGRESS"):
                return status
            await asyncio.sleep(self.pause_s)

    async def _finish(self, document: Document) -> Deployed:
        status = await self._settled()
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            reasons = [
                (name, f"{type_}, {self.template}:{_resource_line(document, name, reason)}", reason)
                for name, type_, reason in await self._reasons()
            ]
            raise DeployError(f"stack {self.stack} failed: {status}", reasons)
        stack = (await self.call("cloudformation", "DescribeStacks", StackName=self.stack))["Stacks"][0]
        outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
        found = await self.call("cloudformation", "DescribeStackResources", StackName=self.stack)
        resources = {r["LogicalResourceId"]: r.get("PhysicalResourceId", "") for r in found["StackResources"]}
        return Deployed(outputs, resources, stack["StackId"])

    async def _reasons(self) -> list[tuple[str, str, str]]:
        """The resources that failed in the last operation, oldest first."""
        answer = await self.call("cloudformation", "DescribeStackEvents", StackName=self.stack)
        failed: list[tuple[str, str, str]] = []
        whole: list[tuple[str, str, str]] = []  # what is said of the stack: told when no resource failed
        for event in answer["StackEvents"]:
            name, reason = event["LogicalResourceId"], event.get("ResourceStatusReason", "")
            status, own = event["ResourceStatus"], name == self.stack
            if own and reason == "User Initiated":
                break
            if own and reason:
                whole.append((name, event["ResourceType"], reason))
            elif status.endswith("_FAILED") and not own:
                failed.append((name, event["ResourceType"], reason))
        return (failed or whole)[::-1]

    async def _find(self, document: Document, body: str, message: str) -> int:
        """The line of a mistake that the API told without its place: read the template again, here."""
        from sandbox.control.cloudformation.engine.engine import validate

        if found := re.search(r"\(line (\d+), column \d+\)", message):
            return int(found[1])
        try:
            await validate(read(body), self.parameters, self.call, self.account, self.region)
        except ValidationError as e:
            return document.line(e.path)
        return 0


def _read(template: Path) -> Document:
    try:
        return read(template.read_text(), allow_aliases=True)
    except ValidationError as e:
        found = re.search(r"\(line (\d+), column \d+\)", e.message)
        raise TemplateError(e.message, template, int(found[1]) if found else 0) from e
    except (OSError, UnicodeDecodeError) as e:
        raise TemplateError(f"cannot be read: {e}", template) from e


def _resource_line(document: Document, logical_id: str, reason: str) -> int:
    path: tuple[str | int, ...] = ("Resources", logical_id)
    if found := _KEY.search(reason):
        parts = [int(p) if p.isdigit() else p for p in found["path"].split("/") if p]
        path = (*path, "Properties", *parts, found["key"])
    return document.line(path)
