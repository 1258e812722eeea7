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


def main() -> int:
    """Exit code 1 when no engine answers or an image cannot be built."""
    reason = why_no_engine()
    if reason is not None:
        print(reason, file=sys.stderr)
        return 1
    pulled = subprocess.run(["docker", "pull", "--quiet", stand_in.IMAGE], check=False, capture_output=True)
    if pulled.returncode != 0:
        stand_in.main()
    built = subprocess.run(
        ["docker", "compose", "--profile", "workshop", "build"], check=False, cwd=ROOT, env=os.environ
    )
    return built.returncode


if __name__ == "__main__":
    sys.exit(main())
