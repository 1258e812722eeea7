"""What has been used of usage plans' quotas.

A quota counts the requests of a key in a day, a week or a month of UTC. ``offset`` is subtracted from the limit in
the plan's first period (botocore, ``QuotaSettings.offset``). That a week begins on Monday is UNSOURCED.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from sandbox.control.shims.apigateway.store import Document


@dataclass(slots=True)
class Counter:
    """The requests of one key under one plan. ``days``: date -> requests."""

    days: dict[date, int] = field(default_factory=dict)
    given: dict[date, int] = field(default_factory=dict)  # requests added to a period's limit by UpdateUsage

    def used(self, since: date) -> int:
        """Requests since a day."""
        return sum(count for day, count in self.days.items() if day >= since)


@dataclass(slots=True)
class Keys:
    """A Region's API keys, usage plans and who uses which."""

    keys: dict[str, Document] = field(default_factory=dict)
    plans: dict[str, Document] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)  # plan -> key ids
    counters: dict[tuple[str, str], Counter] = field(default_factory=dict)

    def counter(self, plan_id: str, key_id: str) -> Counter:
        """The counter of a key under a plan."""
        return self.counters.setdefault((plan_id, key_id), Counter())

    def remaining(self, plan: Document, key_id: str, today: date) -> int | None:
        """What a key may still send in this period; ``None`` without a quota."""
        quota = plan.get("quota")
        if not quota:
            return None
        begin = period_start(quota["period"], today)
        counter = self.counter(plan["id"], key_id)
        first = begin == period_start(quota["period"], plan["_created"])
        limit = int(quota["limit"]) - (int(quota.get("offset") or 0) if first else 0)
        return max(0, limit + counter.given.get(begin, 0) - counter.used(begin))

    def use(self, plan: Document, key_id: str, today: date) -> bool:
        """Count a request; ``False`` when nothing remains."""
        left = self.remaining(plan, key_id, today)
        if left == 0:
            return False
        days = self.counter(plan["id"], key_id).days
        days[today] = days.get(today, 0) + 1
        return True


def period_start(period: str, day: date) -> date:
    """The first day of the day, week or month in which a day is."""
    if period == "WEEK":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "MONTH" else day
