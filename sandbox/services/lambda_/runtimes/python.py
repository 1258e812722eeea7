"""python3.11 to python3.14: the official ``awslambdaric`` on the Python of that version on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.services.lambda_.runtimes.base import ClockRuntime, Command, Layout, RuntimeMissingError
from sandbox.services.lambda_.runtimes.cache import cache_dir
from sandbox.services.lambda_.runtimes.isolated import isolated, link, own_interpreter

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionConfig

CLIENT = "awslambdaric==4.2.2"
# What Lambda's Python runtimes bring besides the client: pure Python, so the sandbox's own copies serve.
_BUNDLED = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
_WHAT = "import sys; print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"
_CLIENT_MODULES = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")


def find_interpreter(version: str) -> Path | None:
    """A Python of that version ("3.12"): the one we run on, on the PATH, or of pyenv or uv. Blocking."""
    own, its_version = own_interpreter()
    if version == its_version:
        return own
    candidates = [shutil.which(f"python{version}")]
    for root, pattern in (
        (Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions", f"{version}.*"),
        (
            Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python")),
            f"*-{version}.*",
        ),
    ):
        candidates += [str(p / "bin" / f"python{version}") for p in sorted(root.glob(pattern), reverse=True)]
    for candidate in candidates:
        found = _real(candidate, version) if candidate else None
        if found:
            return found
    return None


def _real(executable: str, version: str) -> Path | None:
    """The interpreter behind a link, a script or a virtual environment; ``None`` when it is not one.

    pyenv's scripts answer for versions that are not active, too.
    """
    try:
        done = subprocess.run(
            [executable, "-I", "-S", "-c", _WHAT],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except OSError:
        return None
    said, _, path = done.stdout.strip().partition(" ")
    return Path(path) if done.returncode == 0 and said == version and path else None


class PythonRuntime:
    """A Python runtime. ``version``: "3.12"."""

    kind: ClockRuntime = "python"
    managed = True

    def __init__(self, version: str) -> None:
        self.version = version
        self._interpreter: Path | None = None
        self._bundle: Path | None = None
        self._program: Path | None = None

    @property
    def client_dir(self) -> Path:
        """Where the installer puts the interface client for another Python than ours."""
        return cache_dir() / f"python{self.version}"

    def installed(self) -> None:
        self._interpreter = self._interpreter or find_interpreter(self.version)
        if self._interpreter is None:
            raise RuntimeMissingError(
                f"The runtime python{self.version} needs a Python {self.version} on this machine (on the PATH, or "
                f"installed by pyenv or uv): install one, then run "
                f"`python -m sandbox.services.lambda_.install python{self.version}`."
            )
        if self.needs_client and not (self.client_dir / "awslambdaric").is_dir():
            raise RuntimeMissingError(
                f"The interface client of python{self.version} is not installed: run "
                f"`python -m sandbox.services.lambda_.install python{self.version}`."
            )
        self._bundle = self._bundle or self._link_bundle()
        self._program = self._program or isolated(self._interpreter, self.version)

    @property
    def needs_client(self) -> bool:
        """Whether the sandbox's own installation has the client for another Python only."""
        return self.version != f"{sys.version_info[0]}.{sys.version_info[1]}"

    def _link_bundle(self) -> Path:
        """A folder as /var/runtime: links to the client and to the libraries that AWS bundles."""
        folder = cache_dir() / f"bundle-{sys.implementation.cache_tag}-{self.version}"
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*_BUNDLED, *(() if self.needs_client else _CLIENT_MODULES)):
            target = _location(name)
            link(folder / target.name, target)
        if self.needs_client:
            for entry in self.client_dir.iterdir():
                link(folder / entry.name, entry)
        return folder

    def command(self, function: FunctionConfig, layout: Layout) -> Command:
        self.installed()
        opt = layout.opt / "python"
        path = [opt / "lib" / f"python{self.version}" / "site-packages", opt, self._bundle]
        return Command(
            (str(self._program), "-m", "awslambdaric", function.handler),
            {
                "AWS_EXECUTION_ENV": f"AWS_Lambda_python{self.version}",
                "LAMBDA_RUNTIME_DIR": str(self._bundle),
                "PYTHONNOUSERSITE": "1",
            },
            {"PYTHONPATH": ":".join(map(str, path))},
            (self._program.parent,) if self._program else (),
        )


def _location(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeMissingError(f"The sandbox's own installation lacks {name}: install the sandbox again.")
    origin = Path(spec.origin)
    return origin.parent if spec.submodule_search_locations else origin
