"""Recordings of streams: what came and when, in a file of JSON lines.

The first line describes the answer, each further one is a frame, ``at`` seconds after the request::

    {"recording": 1, "api": "openai.chat", "status": 200, "headers": {"content-type": "text/event-stream"}}
    {"at": 0.412, "data": "data: {...}\\n\\n"}
    {"at": 0.431, "base64": "AAAAewAAAEs="}
    {"at": 0.5, "end": "complete"}

``data`` is text, ``base64`` bytes that are none. ``end`` is ``complete`` or ``reset`` (the connection closed in the
middle); without it the answer is complete with its last frame. Secrets are not stored: of the headers only those in
``KEPT`` are, nothing of the request but method, path without query, and model; what looks like a key in a frame is
blotted out.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from mock_llm.pace import SECOND
from mock_llm.stream import DroppedError, Frame

VERSION = 1
KEPT = re.compile(
    r"content-type|retry-after(-ms)?|x-ratelimit-.*|anthropic-ratelimit-.*|x-amzn-requestid|x-amzn-errortype"
    r"|x-amzn-bedrock-.*|request-id|x-request-id|openai-processing-ms|openai-version"
)
SECRET = re.compile(
    rb"(?<![A-Za-z0-9])(?:(?:sk|pk|rk)-[A-Za-z0-9_*-]{12,}|(?:AKIA|ASIA|ABSK|bedrock-api-key-)[A-Za-z0-9+/=]{12,}"
    rb"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+|(?i:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,})"
)
LONGEST = 7 * 86_400  # seconds


class RecordingError(ValueError):
    """A recording or a capture that cannot be read: the message says file, line and why."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded answer. ``frames``: microseconds after the request, and bytes. ``end``: microseconds."""

    api: str
    frames: tuple[tuple[int, bytes], ...]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    end: int = 0
    reset: bool = False
    request: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def streamed(self) -> bool:
        """Whether it is of an answer that was streamed."""
        return any(name in self.headers.get("content-type", "") for name in ("event-stream", "eventstream"))

    def scaled(self, speed: float) -> Recording:
        """The same, ``speed`` times as fast. At speed 1 the instants are those of the recording, exactly."""
        if speed == 1:
            return self
        frames = tuple((round(at / speed), data) for at, data in self.frames)
        return replace(self, frames=frames, end=round(self.end / speed))

    def play(self) -> Iterator[Frame]:
        """The frames as they leave; each counts as a token for faults and observers."""
        for at, data in self.frames:
            yield Frame(at, data, data.decode("utf-8", "replace"))
        yield Frame(self.end, b"")
        if self.reset:
            raise DroppedError


def record(
    api: str,
    frames: Iterable[tuple[int, bytes]],
    *,
    headers: Mapping[str, str],
    end: int | None = None,
    **rest: Any,
) -> Recording:
    """A recording without secrets: headers that are not ``KEPT`` are dropped, keys in frames blotted out."""
    clean = _without_secrets(tuple(frames))
    kept = {name.lower(): value for name, value in headers.items() if KEPT.fullmatch(name.lower())}
    last = max([end or 0, *(at for at, _ in clean[-1:])])
    return Recording(api, clean, headers=kept, end=last, **rest)


def _without_secrets(frames: tuple[tuple[int, bytes], ...]) -> tuple[tuple[int, bytes], ...]:
    """The frames with keys blotted out, also those that begin in one frame and end in another."""
    left = SECRET.sub(lambda found: b"*" * len(found[0]), b"".join(data for _, data in frames))
    clean = []
    for at, data in frames:
        clean.append((at, left[: len(data)]))
        left = left[len(data) :]
    return tuple(clean)


def save_recording(recording: Recording, path: Path) -> None:
    """Write a file of JSON lines."""
    head: dict[str, Any] = {"recording": VERSION, "api": recording.api, "status": recording.status}
    head |= {"headers": dict(recording.headers)}
    head |= {
        name: value
        for name, value in (("request", dict(recording.request)), ("source", recording.source))
        if value
    }
    rows = [head, *({"at": at / SECOND, **_payload(data)} for at, data in recording.frames)]
    rows.append({"at": recording.end / SECOND, "end": "reset" if recording.reset else "complete"})
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def load_recording(path: Path) -> Recording:
    """Read a file of JSON lines. Raises :class:`RecordingError` naming file and line."""
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: {error}") from None
    rows = [(number, _row(path, number, line)) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows or rows[0][1].get("recording") != VERSION:
        raise RecordingError(f'{path}:1: a recording starts with a line that has "recording": {VERSION}')
    head, frames, end, reset = rows[0][1], [], 0, False
    _check_head(path, head)
    for number, row in rows[1:]:
        at = _instant(path, number, row, end)
        end = at
        if "end" in row:
            reset = row["end"] == "reset"
            break
        frames.append((at, _bytes(path, number, row)))
    return Recording(
        str(head["api"]), tuple(frames), int(head.get("status", 200)), head["headers"], end, reset,
        head.get("request", {}), str(head.get("source", "")),
    )  # fmt: skip


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path}:{number}: {error}") from None
    if not isinstance(row, dict):
        raise RecordingError(f"{path}:{number}: a line must be a JSON object")
    return row


def _check_head(path: Path, head: Mapping[str, Any]) -> None:
    headers = head.get("headers")
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise RecordingError(f"{path}:1: headers must be an object of texts")
    status = head.get("status", 200)
    if not isinstance(head.get("api"), str) or not isinstance(status, int) or not 200 <= status <= 599:
        raise RecordingError(f"{path}:1: api must be a text, status a number from 200 to 599")
    if not isinstance(head.get("request", {}), dict):
        raise RecordingError(f"{path}:1: request must be an object")


def _instant(path: Path, number: int, row: Mapping[str, Any], before: int) -> int:
    at = row.get("at")
    if isinstance(at, bool) or not isinstance(at, (int, Decimal)) or not 0 <= at <= LONGEST:
        raise RecordingError(f"{path}:{number}: at must be seconds between 0 and {LONGEST}")
    offset = int((Decimal(at) * SECOND).to_integral_value())
    if offset < before:
        raise RecordingError(f"{path}:{number}: at {at} is before the line above")
    return offset


def _payload(data: bytes) -> dict[str, str]:
    try:
        return {"data": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _bytes(path: Path, number: int, row: Mapping[str, Any]) -> bytes:
    if isinstance(row.get("data"), str):
        return str(row["data"]).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(row["base64"], validate=True)
    except (KeyError, TypeError, binascii.Error):
        raise RecordingError(f"{path}:{number}: a frame has data (text) or base64") from None
