"""What stands before a rule's last action: users log in, tokens are judged.

Source of the flow: Elastic Load Balancing developer guide, listener-authenticate-users. The names of the nonce's
cookie and of the reasons are in AWS's knowledge center, elb-configure-authentication-alb.
"""

from __future__ import annotations

from sandbox.context import Sandbox
from sandbox.control.elbv2 import Document, Rule, login_config
from sandbox.services.alb.authentication import claims, tokens
from sandbox.services.alb.authentication.claims import Signer
from sandbox.services.alb.authentication.errors import LoginError, denied
from sandbox.services.alb.authentication.login import CALLBACK, Login
from sandbox.services.alb.authentication.provider import of_action
from sandbox.services.alb.authentication.session import Session, Vault, cookies, shards
from sandbox.services.alb.call import Call
from sandbox.services.alb.fixed import Answer


class Gate:
    """One for all load balancers of a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._limits = sandbox.limits
        self._vault = Vault(f"sandbox {sandbox.settings.seed} logins")
        self._login = Login(sandbox, self._vault)
        self.signer = Signer(sandbox.settings.seed)

    async def callback(self, call: Call) -> Answer | None:
        """The answer to a user whom a provider sends back; ``None`` for any other request. Raises ``AlbError``."""
        if call.raw_path != CALLBACK:
            return None
        actions = [
            action
            for rule in call.listener.in_order()
            for action in rule.actions
            if login_config(action) is not None
        ]
        if not actions:
            return None
        try:
            return await self._login.finish(call, actions)
        except LoginError as error:
            raise error.answer(self._limits) from error

    async def admit(self, call: Call, rule: Rule) -> Answer | None:
        """Let a request pass (``None``), or what it is answered with. Raises ``AlbError``."""
        for action in rule.actions[:-1]:
            if (config := login_config(action)) is not None:
                answer = await self._user(call, action, config)
                if answer is not None:
                    return answer
            elif action["Type"] == "jwt-validation":
                await tokens.judge(self._sandbox, call, action["JwtValidationConfig"])
        return None

    async def _user(self, call: Call, action: Document, config: Document) -> Answer | None:
        """The user of a request: told to the target, or sent to the provider."""
        call.dropped = claims.PREFIX  # nobody else may say who a user is
        try:
            session = await self._session(call, action, config)
        except LoginError as error:
            raise error.answer(self._limits) from error
        if session is not None:
            token_s = float(self._limits.value("alb.auth.claims_token"))
            now = self._sandbox.clock.epoch()
            call.added = claims.headers(self.signer, session, call.balancer.arn, now, token_s)
            return None
        if config["OnUnauthenticatedRequest"] == "allow":
            return None
        if config["OnUnauthenticatedRequest"] == "deny":
            raise denied(self._limits, "the user is not logged in, and who is not is denied")
        return self._login.begin(call, action, config)

    async def _session(self, call: Call, action: Document, config: Document) -> Session | None:
        """The session in the cookies, renewed if need be; ``None``: none that counts. Raises ``LoginError``."""
        name = config["SessionCookieName"]
        parts = shards(call.cookies, name)
        if not parts:
            return None
        session = self._vault.session("".join(parts))
        if session is None:
            raise LoginError("AuthInvalidCookie", f"the cookies {name}-n cannot be read")
        provider, now = of_action(self._sandbox, action), self._sandbox.clock.epoch()
        if now >= session.until or (session.issuer, session.client) != (provider.issuer, provider.client):
            return None
        if now < session.access_until or session.refresh is None:
            return session
        try:
            renewed = await self._login.renew(provider, session)
        except LoginError:
            return None  # "the refresh flow fails": the user logs in again
        largest = int(self._limits.value("alb.auth.cookie"))
        cors = call.header("origin") is not None
        call.own_cookies += cookies(self._vault, name, renewed, len(parts), largest, cors=cors)
        return renewed
