"""What a request, a handshake or a message says of who sends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.auth import SignedRequest


@dataclass(frozen=True, slots=True)
class Credentials:
    """``headers``: in lower case. ``signed``: what a signature may cover, one of them must fit."""

    headers: Mapping[str, str]
    signed: Sequence[SignedRequest]
    source_ip: str
