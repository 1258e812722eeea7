"""Which target group and which target gets a request: weights, algorithms, stickiness (facts 7.7, 7.8)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.control.elbv2 import Document, Target, TargetGroup, weighted_groups
from sandbox.services.alb.cookies import Sealer, names_set, written

LB_COOKIE, APP_COOKIE, GROUP_COOKIE = "AWSALB", "AWSALBAPP-0", "AWSALBTG"


@dataclass(slots=True)
class _State:
    """What is remembered of a target between requests."""

    outstanding: int = 0
    credit: float = 0.0


@dataclass(slots=True)
class Choice:
    """A target, and the cookies to set: name, value, seconds they last. ``app``: the cookie that must come first."""

    target: Target
    cookies: list[tuple[str, str, float]] = field(default_factory=list)
    app: tuple[str, str, float] | None = None


class Selection:
    """Chooses. One for all load balancers of a sandbox."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._states: dict[Target, _State] = {}
        self._sealer = Sealer(f"sandbox {seed}")

    def forget(self, target: Target) -> None:
        """A target is gone."""
        self._states.pop(target, None)

    # -- the group

    def group(
        self, action: Document, cookies: Mapping[str, str], now: float
    ) -> tuple[str | None, list[tuple[str, str, float]]]:
        """The ARN of the target group and the cookies to set; ``None`` when all weights are 0."""
        groups = [(arn, weight) for arn, weight in weighted_groups(action) if weight > 0]
        if not groups:
            return None, []
        config = (action.get("ForwardConfig") or {}).get("TargetGroupStickinessConfig") or {}
        sticky = bool(config.get("Enabled")) and len(weighted_groups(action)) > 1
        if sticky:
            held = self._sealer.open(cookies.get(GROUP_COOKIE) or cookies.get(f"{GROUP_COOKIE}CORS") or "")
            if isinstance(held, list) and held[1] > now and held[0] in dict(groups):
                return held[0], []
        arns = [arn for arn, _ in groups]
        chosen = (
            arns[0] if len(arns) == 1 else self._random.choices(arns, [weight for _, weight in groups])[0]
        )
        if not sticky:
            return chosen, []
        seconds = float(config["DurationSeconds"])
        return chosen, [(GROUP_COOKIE, self._sealer.seal([chosen, now + seconds]), seconds)]

    # -- the target

    def target(self, group: TargetGroup, cookies: Mapping[str, str], now: float) -> Choice | None:
        """A target of a group; ``None`` when there is none."""
        able = eligible(group)
        if not able:
            return None
        stuck = self._stuck(group, able, cookies, now)
        target = stuck or self._by_algorithm(group, able)
        return self._with_cookies(group, target, now)

    def _stuck(
        self, group: TargetGroup, able: Sequence[Target], cookies: Mapping[str, str], now: float
    ) -> Target | None:
        attributes = group.attributes
        if attributes["stickiness.enabled"] != "true":
            return None
        if attributes["stickiness.type"] == "app_cookie":
            if attributes["stickiness.app_cookie.cookie_name"] not in cookies:
                return None
            value = cookies.get(APP_COOKIE, "")
        else:
            value = cookies.get(LB_COOKIE) or cookies.get(f"{LB_COOKIE}CORS") or ""
        held = self._sealer.open(value)
        if not isinstance(held, list) or len(held) != 4 or held[0] != group.arn or held[3] <= now:
            return None
        return next((t for t in able if t.id == held[1] and t.port == held[2]), None)

    def _with_cookies(self, group: TargetGroup, target: Target, now: float) -> Choice:
        attributes, choice = group.attributes, Choice(target)
        if attributes["stickiness.enabled"] == "true":
            kind = attributes["stickiness.type"]
            seconds = group.seconds(f"stickiness.{kind}.duration_seconds")
            value = self._sealer.seal([group.arn, target.id, target.port, now + seconds])
            if kind == "app_cookie":
                choice.app = (attributes["stickiness.app_cookie.cookie_name"], value, seconds)
            else:
                choice.cookies.append((LB_COOKIE, value, seconds))
        return choice

    def _by_algorithm(self, group: TargetGroup, able: Sequence[Target]) -> Target:
        kind = group.attributes.get("load_balancing.algorithm.type", "round_robin")
        if kind == "weighted_random":
            return self._random.choice(able)
        if kind == "least_outstanding_requests":
            least = min(self._state(target).outstanding for target in able)
            able = [target for target in able if self._state(target).outstanding == least]
        return self._in_turn(group, able)

    def _in_turn(self, group: TargetGroup, able: Sequence[Target]) -> Target:
        """Each in turn; one that starts slowly takes its turn as often as its share is."""
        slow = float(group.attributes.get("slow_start.duration_seconds", "0"))
        now = asyncio.get_running_loop().time()
        shares = {target: _share(target, slow, now) for target in able}
        total = sum(shares.values())
        for target in able:
            self._state(target).credit += shares[target]
        chosen = max(able, key=lambda target: self._state(target).credit)
        self._state(chosen).credit -= total
        return chosen

    def _state(self, target: Target) -> _State:
        return self._states.setdefault(target, _State())

    def began(self, target: Target) -> None:
        """A request goes to the target."""
        self._state(target).outstanding += 1

    def ended(self, target: Target) -> None:
        """It is over."""
        if target in self._states:
            self._states[target].outstanding -= 1


def eligible(group: TargetGroup) -> list[Target]:
    """The healthy targets; all that are registered when too few are healthy (fail open)."""
    known = [target for target in group.targets.values() if target.state != "unused"]
    healthy = [target for target in known if target.state in ("healthy", "unavailable")]
    count = group.attributes.get(
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"
    )
    share = group.attributes.get(
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"
    )
    few = len(healthy) < min(int(count), len(known)) or (
        share != "off" and len(healthy) * 100 < int(share) * len(known)
    )
    return known if few or not healthy else healthy


def _share(target: Target, slow_s: float, now: float) -> float:
    """1, or less for a target that has been healthy for less than its slow start lasts."""
    if not slow_s or target.healthy_since is None:
        return 1.0
    return min(1.0, max(0.01, (now - target.healthy_since) / slow_s))


def set_cookies(
    choice: Choice, more: list[tuple[str, str, float]], answered: list[str], epoch: float, *, secure: bool
) -> list[str]:
    """The ``Set-Cookie`` values of an answer. ``answered``: those that the target itself sets."""
    made = []
    for name, value, seconds in (*choice.cookies, *more):
        made.append(written(name, value, seconds, epoch))
        cors = written(f"{name}CORS", value, seconds, epoch, cors=True)
        made.append(f"{cors}; Secure" if secure else cors)
    if choice.app is not None and choice.app[0] in names_set(answered):
        made.append(written(APP_COOKIE, choice.app[1], choice.app[2], epoch))
    return made
