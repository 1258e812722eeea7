"""Application Load Balancers: the pipeline of a request (facts 7.1 to 7.13)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from sandbox.aws.errors import AwsError
from sandbox.context import Address, Receive, Refusal, Sandbox, Scope, Send, WebSocket
from sandbox.control.elbv2 import Document, TargetGroup
from sandbox.services.alb import errors, fixed, headers, lambda_target, listening, rewriting, rules
from sandbox.services.alb.call import Call, check_versions
from sandbox.services.alb.carriers import Carriers
from sandbox.services.alb.errors import AlbError, of_limit
from sandbox.services.alb.passage import Passage
from sandbox.services.alb.selection import Choice, Selection
from sandbox.services.alb.targets import Targets
from sandbox.services.alb.tunnel import Tunnel
from sandbox.services.exchange import ClientGoneError, Exchange

if TYPE_CHECKING:
    from sandbox.services.alb.authentication import Gate

SOURCE = "alb"
_HOST = re.compile(
    r"(?P<label>[a-z0-9-]+)(?::(?P<port>\d+))?\.(?P<region>[a-z]+(?:-[a-z0-9]+)+)\.elb\.(?:amazonaws\.com|localhost)"
)
_KEY_HOST = re.compile(r"public-keys\.auth\.elb\.[a-z0-9-]+\.amazonaws\.com")


class AlbService:
    """Answers ``<name>-<n>.<region>.elb.amazonaws.com`` and the same under ``.localhost``."""

    name = SOURCE

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._carriers = Carriers(sandbox)
        self._selection = Selection(sandbox.settings.seed)
        self._targets = Targets(sandbox, self._carriers, self._selection)
        self._forget: Callable[[], object] | None = None
        self._again = False

    @cached_property
    def _gate(self) -> Gate:
        """Imported when a rule first asks for it: what signs and seals takes its time to load."""
        from sandbox.services.alb.authentication import Gate

        return Gate(self._sandbox)

    # -- Service

    def match(self, address: Address) -> Mapping[str, str] | None:
        """``{"label", "port"}``: the name of a load balancer, and the listener's port where the path says it.

        ``{"key"}``: the id of the key that signs what targets are told of users.
        """
        key = _KEY_HOST.fullmatch(address.host)
        if key:
            return {"key": address.path.strip("/")}
        found = _HOST.fullmatch(address.host)
        return {"label": found["label"], "port": found["port"] or ""} if found else None

    def refusal(self, parameters: Mapping[str, str]) -> Refusal | None:
        """408 for half a head after the idle timeout (facts 7.1)."""
        balancer = self._sandbox.control.load_balancing.by_name(parameters.get("label", ""))
        if balancer is None:
            return None
        return Refusal(float(balancer.attributes["idle_timeout.timeout_seconds"]), self._refuse_half_a_head)

    def _refuse_half_a_head(self) -> tuple[int, str, list[tuple[str, str]], bytes]:
        limits = self._sandbox.limits
        failure = of_limit(limits, "client_idle", "the client sent half of a request's head, then nothing")
        self._record_failure(self._sandbox.ids.uuid(), str(failure.status), failure.reason)
        body = errors.body(limits, failure.status)
        return failure.status, errors.phrase(failure.status), errors.headers(limits), body

    async def start(self) -> None:
        """Follow the records."""
        self._forget = self._sandbox.control.load_balancing.changes.listen(self._changed)

    async def stop(self) -> None:
        """End health checks and connections."""
        if self._forget is not None:
            self._forget()
            self._forget = None
        await self._targets.stop()
        self._carriers.close()

    def _changed(self) -> None:
        """Look once, however many changes come at a time."""
        if not self._again:
            self._again = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._again = False
        if self._forget is not None:
            self._targets.look()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._sandbox.ids.uuid()
        if "key" in scope["aws"]:
            await self._give_key(scope, receive, send, request_id)
            return
        call = self._new_call(scope)
        if scope["type"] == "websocket":
            await self._upgrade(call, request_id)
            return
        async with Exchange(self._sandbox, SOURCE, request_id, scope, receive, send) as exchange:
            call.exchange = exchange
            try:
                await self._answer(call)
            except ClientGoneError:
                self._record_failure(exchange.id, "460", "the client left first")
            except AlbError as failure:
                await self._fail(call, failure)

    async def _give_key(self, scope: Scope, receive: Receive, send: Send, id: str) -> None:
        """The public key by which targets check what they are told of users."""
        signer = self._gate.signer
        if scope["aws"]["key"] != signer.key_id:
            raise AwsError(404, "NotFound", "No load balancer of the sandbox has that key.")
        async with Exchange(self._sandbox, SOURCE, id, scope, receive, send) as exchange:
            await exchange.answer(200, [("content-type", "binary/octet-stream")], signer.public_key())

    def _new_call(self, scope: Scope) -> Call:
        parameters = scope["aws"]
        balancer = self._sandbox.control.load_balancing.by_name(parameters["label"])
        if balancer is None:
            raise AwsError(404, "LoadBalancerNotFound", f"There is no load balancer {parameters['label']}.")
        listener = listening.choose(balancer, scope, parameters["port"], self._sandbox.settings.port)
        return Call(self._sandbox, scope, balancer, listener)

    # -- the way of a request

    async def _answer(self, call: Call) -> None:
        action, answer = await self._decide(call)
        if answer is not None:
            pairs = headers.with_response_attributes(answer.headers, call.listener)
            await call.exchange.answer(answer.status, pairs, answer.body)
        else:
            await self._forward(call, action)

    async def _decide(self, call: Call) -> tuple[Document, fixed.Answer | None]:
        """The action that a request meets, and its answer unless it goes to a target. Raises ``AlbError``."""
        headers.check(self._sandbox.limits, call.scope)
        rule = rules.find(call.listener, call.request)
        action, answer = rule.actions[-1], None
        if any(len(one.actions) > 1 for one in call.listener.in_order()):
            answer = await self._gate.callback(call) or await self._gate.admit(call, rule)
            if answer is not None:
                return action, answer
        if action["Type"] == "fixed-response":
            answer = fixed.response(action["FixedResponseConfig"])
        elif action["Type"] == "redirect":
            answer = fixed.redirect(action["RedirectConfig"], call.listener, call.request)
        else:
            rewriting.apply(call, rule.transforms)
        if answer is not None:
            answer.headers.extend(("set-cookie", value) for value in call.own_cookies)
        return action, answer

    async def _forward(self, call: Call, action: Document) -> None:
        group, choice = self._choose(call, action)
        if group.type == "lambda":
            await self._invoke(call, group, choice)
            return
        check_versions(self._sandbox.limits, call, group)
        passage = Passage(call, group, choice, self._carriers)
        self._targets.began(passage)
        try:
            await passage.run()
        finally:
            self._targets.ended(passage)

    async def _invoke(self, call: Call, group: TargetGroup, choice: Choice) -> None:
        status, pairs, body = await lambda_target.answer(call, group, choice.target)
        await call.exchange.answer(status, call.client_headers(choice, pairs), body)

    # -- the way of a WebSocket

    async def _upgrade(self, call: Call, id: str) -> None:
        """Carry a WebSocket to a target, or answer its handshake."""
        websocket: WebSocket = call.scope["websocket"]
        self._sandbox.timeline.record(
            SOURCE, "request_received", id, method="GET", path=call.raw_path.decode("latin-1")
        )
        try:
            await self._carry(call, websocket, id)
        except ClientGoneError:
            self._record_failure(id, "460", "the client left first")
        except AlbError as failure:
            self._record_failure(id, str(failure.status), failure.reason)
            limits = self._sandbox.limits
            await self._reject(
                id, websocket, failure.status, errors.headers(limits), errors.body(limits, failure.status)
            )

    async def _carry(self, call: Call, websocket: WebSocket, id: str) -> None:
        action, answer = await self._decide(call)
        if answer is not None:
            await self._reject(id, websocket, answer.status, answer.headers, answer.body)
            return
        group, choice = self._choose(call, action)
        if group.type == "lambda":
            status = int(self._sandbox.limits.value("alb.lambda.error.websocket.status"))
            raise AlbError(status, "a Lambda function cannot be the target of a WebSocket")
        check_versions(self._sandbox.limits, call, group)
        tunnel = Tunnel(call, group, choice, self._carriers, id)
        self._targets.began(tunnel)
        try:
            await tunnel.run(websocket)
        finally:
            self._targets.ended(tunnel)

    async def _reject(
        self, id: str, websocket: WebSocket, status: int, pairs: list[tuple[str, str]], body: bytes
    ) -> None:
        self._sandbox.timeline.record(SOURCE, "response_started", id, status=status)
        await websocket.reject(status, pairs, body)
        self._sandbox.timeline.record(SOURCE, "response_completed", id, status=status, bytes=len(body))

    def _choose(self, call: Call, action: Document) -> tuple[TargetGroup, Choice]:
        """The group and the target. Raises ``AlbError``."""
        now = self._sandbox.clock.epoch()
        arn, call.group_cookies = self._selection.group(action, call.cookies, now)
        records = self._sandbox.control.load_balancing
        group = records.target_groups.get(arn) if arn else None
        choice = self._selection.target(group, call.cookies, now) if group is not None else None
        if group is None or choice is None:
            raise of_limit(self._sandbox.limits, "no_targets", "the target group has no registered targets")
        return group, choice

    async def _fail(self, call: Call, failure: AlbError) -> None:
        """An answer of the load balancer's own."""
        exchange, limits = call.exchange, self._sandbox.limits
        self._record_failure(exchange.id, str(failure.status), failure.reason)
        pairs = headers.with_response_attributes(errors.headers(limits), call.listener)
        await exchange.answer(failure.status, pairs, errors.body(limits, failure.status))

    def _record_failure(self, id: str, kind: str, reason: str) -> None:
        self._sandbox.timeline.record(SOURCE, "failed", id, type=kind, reason=reason)
