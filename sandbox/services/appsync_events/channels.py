"""Channels (fact 5.24): ``/namespace/room/7``, and patterns that end in ``/*``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.limits import Limits
from sandbox.services.appsync_events.errors import bad_request

_SEGMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel, or all below one. ``path``: with a slash before and none behind, without the ``/*``."""

    path: str
    below: bool = False

    @property
    def segments(self) -> list[str]:
        """The parts between the slashes."""
        return self.path[1:].split("/")

    @property
    def namespace(self) -> str:
        """The first part."""
        return self.segments[0]

    @property
    def name(self) -> str:
        """As a client writes it."""
        return f"{self.path}/*" if self.below else self.path


def parse(text: object, limits: Limits, *, pattern: bool = False) -> Channel:
    """A channel; with ``pattern`` also one that ends in ``/*``. Raises ``RefusedError``.

    A slash before the first segment may be left out, one behind the last is passed over (both as Amplify's clients
    and the guide's examples have them).
    """
    if not isinstance(text, str):
        raise bad_request("The channel is missing.")
    plain = text.strip("/")
    below = pattern and plain.endswith("/*")
    plain = plain.removesuffix("/*") if below else plain
    segments = plain.split("/")
    longest = int(limits.value("appsync_events.channel.segment_length"))
    most = int(limits.value("appsync_events.channel.segments"))
    wrong = [part for part in segments if len(part) > longest or _SEGMENT.fullmatch(part) is None]
    if wrong or len(segments) > most:
        raise bad_request(f"Invalid channel: {text}")
    return Channel("/" + plain, below)
