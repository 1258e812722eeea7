"""Recordings from what other tools captured: a saved event stream with or without timing, or a HAR file."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mock_llm.pace import SECOND
from mock_llm.recording import Recording, RecordingError, record

SSE = "text/event-stream"
EVENT_STREAM = "application/vnd.amazon.eventstream"
APIS = (
    (r"/chat/completions", "openai.chat"),
    (r"/responses", "openai.responses"),
    (r"/messages", "anthropic.messages"),
    (r"/converse(-stream)?", "bedrock.converse"),
    (r"/invoke(-with-response-stream)?", "bedrock.invoke"),
)


def from_capture(path: Path, api: str, *, timing: Path | None, first: float, gap: float) -> Recording:
    """A recording from a saved body (as ``curl -N`` writes it).

    ``timing``: a file of lines ``SECONDS BYTES``, the delay since the chunk before and the chunk's length, as
    ``script --timing`` writes them. Without it each event is a frame, the first ``first`` seconds after the
    request and the others ``gap`` seconds apart. Raises :class:`RecordingError`.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path}: {error}") from None
    kind = EVENT_STREAM if api.startswith("bedrock.") else SSE
    if timing is not None:
        frames = _timed(body, timing)
    else:
        events = split_events(body, kind)
        frames = [(round((first + gap * number) * SECOND), event) for number, event in enumerate(events)]
    if not frames:
        raise RecordingError(f"{path}: there is no event in it")
    return record(api, frames, headers={"content-type": kind}, source=f"capture {path.name}")


def from_har(path: Path) -> list[Recording]:
    """Recordings of the answers in a HAR file that come from an API that is known.

    A HAR tells when an answer began (``wait``) and how long it took (``receive``), not when each event came:
    the events are spread evenly. Raises :class:`RecordingError`.
    """
    try:
        entries = json.loads(path.read_text("utf-8-sig"))["log"]["entries"]
        found = [_entry(entry, path) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordingError(f"{path}: this is no HAR file: {error!r}") from None
    recordings = [recording for recording in found if recording is not None]
    if not recordings:
        raise RecordingError(
            f"{path}: none of its {len(found)} answers is of an API that the mock model knows"
        )
    return recordings


def api_of(path: str) -> str | None:
    """The API that a path belongs to."""
    return next((api for pattern, api in APIS if re.search(pattern + "$", path)), None)


def split_events(body: bytes, kind: str) -> list[bytes]:
    """The events of a stream's body, each whole: AWS's by their length, server-sent ones by the empty line."""
    if kind.startswith(EVENT_STREAM):
        return _messages(body)
    if not kind.startswith(SSE):
        return [body] if body else []
    parts = re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)|(?<=\r\r)", body)
    return [part for part in parts if part.strip()]


def _messages(body: bytes) -> list[bytes]:
    messages = []
    while body:
        length = int.from_bytes(body[:4])
        if not 16 <= length <= len(body):
            raise RecordingError(f"an event stream message of {length} bytes, and {len(body)} bytes left")
        messages.append(body[:length])
        body = body[length:]
    return messages


def _timed(body: bytes, timing: Path) -> list[tuple[int, bytes]]:
    at, start, frames = 0.0, 0, []
    try:
        lines = timing.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{timing}: {error}") from None
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s+(\d+)\s*", line)
        if not match:
            raise RecordingError(f"{timing}:{number}: a line is SECONDS and BYTES, not {line!r}")
        at, length = at + float(match[1]), int(match[2])
        frames.append((round(at * SECOND), body[start : start + length]))
        start += length
    if start != len(body):
        raise RecordingError(f"{timing}: it tells of {start} bytes, the capture has {len(body)}")
    return frames


def _entry(entry: Mapping[str, Any], path: Path) -> Recording | None:
    request, response, timings = entry["request"], entry["response"], entry.get("timings", {})
    url = urlsplit(request["url"])
    api = api_of(url.path)
    if api is None or not 200 <= response["status"] <= 599:
        return None
    kind = response["content"].get("mimeType", SSE)
    events = split_events(_content(response["content"]), kind)
    wait = max(
        0, sum(max(0, timings.get(name) or 0) for name in ("blocked", "dns", "connect", "send", "wait"))
    )
    spread = max(0, timings.get("receive") or 0) / max(1, len(events) - 1)
    frames = [(round((wait + spread * number) * 1000), event) for number, event in enumerate(events)]
    return record(
        api,
        frames,
        headers={**_headers(response["headers"]), "content-type": kind},
        status=response["status"],
        request={"method": request["method"], "path": url.path, **_model(request)},
        source=f"HAR {path.name}",
    )


def _content(content: Mapping[str, Any]) -> bytes:
    text = content.get("text", "")
    if content.get("encoding") != "base64":
        return str(text).encode()
    try:
        return base64.b64decode(text)
    except binascii.Error as error:
        raise ValueError(f"content is no base64: {error}") from None


def _headers(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {row["name"]: str(row["value"]) for row in rows}


def _model(request: Mapping[str, Any]) -> dict[str, str]:
    try:
        model = json.loads(request.get("postData", {}).get("text", "{}")).get("model")
    except (ValueError, AttributeError):
        return {}
    return {"model": model} if isinstance(model, str) else {}
