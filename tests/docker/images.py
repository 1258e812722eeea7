"""``python -m tests.docker.images``: the images that the tests need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sandbox.testing.fixtures import why_no_engine
from tests.docker.stand_in import build as stand_in

ROOT = Path(__file__).parents[2]
OURS = "genai-streaming-sandbox"
PYTHON = os.environ.get("PYTHON_IMAGE", "python:3.11-slim-bookworm")
# What the application of alb_containers is built on.
APPLICATION_BASE = "public.ecr.aws/docker/library/python:3.12-slim"


def main() -> int:
    """Exit code 1 when no engine answers or an image cannot be built."""
    reason = why_no_engine()
    if reason is not None:
        print(reason, file=sys.stderr)
        return 1
    if not _pull(stand_in.IMAGE):
        stand_in.main()
    if not stand_in.has_image(APPLICATION_BASE) and not _pull(APPLICATION_BASE):
        print(f"{APPLICATION_BASE} is not there: {PYTHON} stands in for it", file=sys.stderr)
        subprocess.run(["docker", "tag", PYTHON, APPLICATION_BASE], check=True)
    built = subprocess.run(
        ["docker", "compose", "--profile", "workshop", "build"], check=False, cwd=ROOT, env=os.environ
    )
    return built.returncode


def _pull(name: str) -> bool:
    pulled = subprocess.run(["docker", "pull", "--quiet", name], check=False, capture_output=True)
    return pulled.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
