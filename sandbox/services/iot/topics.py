"""Topics and topic filters: what is allowed (fact 6.8), and which filter matches which topic.

Two things differ from the MQTT specifications, by the IoT Core developer guide ("AWS IoT differences from MQTT"):
``a/#`` does not match ``a`` itself, and a Basic Ingest prefix (``$aws/rules/<rule>/``) does not count for the limits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.limits import Limits

_INGEST = re.compile(r"\$aws/rules/(?P<rule>[^/]+)/")
_SHARED = re.compile(r"\$share/(?P<group>[^/+#]+)/(?P<filter>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a topic may be."""

    length: int
    slashes: int

    @classmethod
    def of(cls, limits: Limits) -> Bounds:
        """As the day has it."""
        return cls(int(limits.value("iot.topic.length")), int(limits.value("iot.topic.slashes")))

    def fault(self, text: str) -> str | None:
        """Why a topic or filter is too long, or ``None``."""
        counted = _INGEST.sub("", text, count=1)
        size = len(counted.encode())
        if size > self.length:
            return f"it has {size} bytes; {self.length} are allowed"
        if counted.count("/") > self.slashes:
            return f"it has {counted.count('/')} slashes; {self.slashes} are allowed"
        return None


def topic_fault(topic: str, bounds: Bounds) -> str | None:
    """Why nothing can be published to a topic, or ``None``."""
    if not topic:
        return "it is empty"
    if "+" in topic or "#" in topic:
        return "it holds a wildcard"
    return bounds.fault(topic)


def filter_fault(text: str, bounds: Bounds) -> str | None:
    """Why there can be no such topic filter, or ``None``; ``text`` may be a shared one."""
    if not text:
        return "it is empty"
    if text.startswith("$share/") and not _SHARED.fullmatch(text):
        return "a shared subscription is $share/<name>/<filter>"
    levels = shared(text)[1].split("/")
    for at, level in enumerate(levels):
        if "#" in level and (level != "#" or at != len(levels) - 1):
            return "# stands alone, as the last level"
        if "+" in level and level != "+":
            return "+ stands alone in its level"
    return bounds.fault(shared(text)[1])


def shared(text: str) -> tuple[str | None, str]:
    """The group of a shared subscription (``None`` for another) and the filter itself."""
    found = _SHARED.fullmatch(text)
    return (found["group"], found["filter"]) if found else (None, text)


def ingested(topic: str) -> tuple[str, str] | None:
    """The rule that a Basic Ingest topic names, and the rest of the topic."""
    found = _INGEST.match(topic)
    return (found["rule"], topic[found.end() :]) if found else None


def matches(pattern: str, topic: str) -> bool:
    """Whether a filter (not a shared one) matches a topic."""
    if topic.startswith("$") and pattern[:1] in ("+", "#"):
        return False
    wanted, levels = pattern.split("/"), topic.split("/")
    for at, level in enumerate(wanted):
        if level == "#":
            return len(levels) > at
        if at >= len(levels) or level not in ("+", levels[at]):
            return False
    return len(wanted) == len(levels)
