"""``python -m tests.docker.stand_in.build``: the stand-in for LocalStack's image, unless there is one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.localstack import runtime

HERE = Path(__file__).parent
IMAGE = "localstack/localstack:4.14.0"
UNUSED = shutil.ignore_patterns("site-packages", "test", "__pycache__", "*.a", "idlelib", "config-3.13*")


def has_image(name: str) -> bool:
    """Whether the engine has an image."""
    found = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
    return found.returncode == 0


def build() -> None:
    """Make it from a Python 3.13 of this machine."""
    python = runtime.find_python()
    prefix = subprocess.run(
        [python, "-c", "import sys; print(sys.base_prefix)"], capture_output=True, text=True, check=True
    )
    home = Path(prefix.stdout.strip())
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        target = context / "python"
        (target / "bin").mkdir(parents=True)
        shutil.copy(home / "bin" / "python3.13", target / "bin")
        shutil.copytree(home / "lib" / "python3.13", target / "lib" / "python3.13", ignore=UNUSED)
        for library in (home / "lib").glob("libpython3*"):
            shutil.copy(library, target / "lib")
        shutil.copy(HERE / "Dockerfile", context)
        shutil.copy(runtime.REQUIREMENTS, context)
        subprocess.run(["docker", "build", "--quiet", "--tag", IMAGE, context], check=True)


def main() -> None:
    """Entry point."""
    if has_image(IMAGE):
        print(f"{IMAGE} is there")
        return
    print(f"{IMAGE} is not there: a stand-in for it is made from LocalStack's runtime", file=sys.stderr)
    build()


if __name__ == "__main__":
    main()
