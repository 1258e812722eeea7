"""The Telemetry and Logs APIs: accepted and said to be unsupported, with AWS's emulator's own answers.

Extensions written against them take that answer (AWS SAM's local invocations give it) and go on.
"""

from __future__ import annotations

from sandbox.services.lambda_.runtime_api.http import Request

PATHS = {"/2022-07-01/telemetry": "Telemetry", "/2020-08-15/logs": "Logs"}


async def telemetry(request: Request) -> None:
    """Say so."""
    what = PATHS[request.path]
    await request.body()
    await request.refuse(202, f"{what}.NotSupported", f"{what} API is not supported")
