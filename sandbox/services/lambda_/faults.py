"""How an invocation fails: the error types and payloads that Lambda itself makes up.

Sources: the error types are those of AWS's runtime interface emulator (``fatalerror``); the payload of a timeout as
quoted from the service in seek-oss/aws-codedeploy-hooks; exits as AWS's troubleshooting guide prints them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_VALID_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed invocation. ``payload``: what a buffered caller gets; ``status`` is what the REPORT line says."""

    type: str
    payload: bytes
    log_line: str = ""
    status: str = "error"

    @property
    def code(self) -> str:
        """``X-Amz-Function-Error`` and ``InvokeComplete.ErrorCode``.

        That a stream has the same word as a header is what remotion-dev/remotion's client, written against AWS,
        expects; nothing of AWS's own says it.
        """
        return "Unhandled"

    @property
    def details(self) -> str:
        """The payload as text, for ``InvokeComplete.ErrorDetails``."""
        return self.payload.decode("utf-8", "replace")


def _payload(type_: str, message: str) -> bytes:
    return json.dumps({"errorType": type_, "errorMessage": message}, separators=(",", ":")).encode()


def _platform(type_: str, request_id: str, message: str, status: str = "error") -> Fault:
    text = f"RequestId: {request_id} Error: {message}"
    return Fault(type_, _payload(type_, text), f"{text}\n{type_}", status)


def timed_out(request_id: str, seconds: float, at: str) -> Fault:
    """The function ran longer than its timeout. ``at``: the instant as the log prints it."""
    text = f"Task timed out after {seconds:.2f} seconds"
    payload = _payload("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}")
    return Fault("Sandbox.Timedout", payload, f"{at} {request_id} {text}\n", "timeout")


def exited(request_id: str, code: int) -> Fault:
    """The runtime's process ended on its own. ``code``: as ``subprocess`` gives it (negative: a signal)."""
    if code == 0:
        reason = "Runtime exited without providing a reason"
    elif code > 0:
        reason = f"Runtime exited with error: exit status {code}"
    else:
        reason = f"Runtime exited with error: signal: {_SIGNALS.get(-code, -code)}"
    return _platform("Runtime.ExitError", request_id, reason)


def out_of_memory(request_id: str) -> Fault:
    """The processes used more memory than the function has; they were killed."""
    return _platform("Runtime.OutOfMemory", request_id, "Runtime exited with error: signal: killed")


def extension_failed(request_id: str, type_: str, message: str) -> Fault:
    """An extension ended or reported an error: ``Extension.Crash`` and the like."""
    return _platform(type_, request_id, message)


def no_entry_point(request_id: str, searched: str) -> Fault:
    """A custom runtime without its ``bootstrap``. ``searched``: AWS's paths."""
    return _platform(
        "Runtime.InvalidEntrypoint", request_id, f"Couldn't find valid bootstrap(s): [{searched}]"
    )


def response_too_large(type_: str, message: str) -> Fault:
    """The response of a synchronous invocation is over the limit."""
    return Fault(type_, _payload(type_, message))


def truncated(request_id: str) -> Fault:
    """The runtime closed its connection in the middle of a response."""
    return _platform("Runtime.TruncatedResponse", request_id, "HTTP request detected as truncated")


def reported(type_header: str, payload: bytes) -> Fault:
    """What the runtime itself posted: the payload is the caller's, unchanged."""
    try:
        type_ = json.loads(payload)["errorType"]
    except (ValueError, TypeError, KeyError):
        type_ = None
    return Fault(type_ if isinstance(type_, str) and type_ else type_header or "Unhandled", payload)


def valid_type(header: str) -> str:
    """An error type as the platform takes it over from a runtime: others become ``Runtime.Unknown``."""
    if _VALID_TYPE.search(header):
        return header
    return "Function.Unknown" if header.startswith("Function.") else "Runtime.Unknown"


# Go's names of signals, which the service prints.
_SIGNALS = {
    1: "hangup",
    2: "interrupt",
    3: "quit",
    4: "illegal instruction",
    5: "trace/breakpoint trap",
    6: "aborted",
    7: "bus error",
    8: "floating point exception",
    9: "killed",
    11: "segmentation fault",
    13: "broken pipe",
    14: "alarm clock",
    15: "terminated",
}
