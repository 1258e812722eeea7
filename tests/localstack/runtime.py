"""LocalStack's own runtime from PyPI, without Docker: ``python -m tests.localstack.runtime install | start | stop``.

It needs Python 3.13, so it has a virtual environment of its own, ``.cache/localstack``. ``start [PORT]`` prints its
address when it answers a real call and leaves the process id beside its data, ``stop [PORT]`` ends that process.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = Path(os.environ.get("LOCALSTACK_VENV", ROOT / ".cache" / "localstack"))
REQUIREMENTS = HERE / "requirements.txt"
READY = FOLDER / ".ready"
START_S = 60.0
SETTINGS = {
    "DNS_ADDRESS": "0",  # no DNS server
    "DISABLE_EVENTS": "1",  # no usage reports
    "GATEWAY_SERVER": "hypercorn",  # its default server listens on all addresses, whatever it is told
    "SKIP_SSL_CERT_DOWNLOAD": "1",
}


def find_python() -> str:
    """A Python 3.13; ends the program when there is none."""
    given = os.environ.get("LOCALSTACK_PYTHON")
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("3.13.*/bin/python"))
    for candidate in filter(None, (given, shutil.which("python3.13"), *map(str, pyenv[::-1]))):
        found = subprocess.run(
            [candidate, "-c", "import sys; print(sys.version_info[:2] == (3, 13))"],
            capture_output=True,
            text=True,
            check=False,
        )
        if found.stdout.strip() == "True":
            return candidate
    sys.exit("LocalStack's runtime needs Python 3.13: install it, or name it in LOCALSTACK_PYTHON.")


def install() -> None:
    """Make the environment unless it is there as the requirements want it."""
    wanted = REQUIREMENTS.read_text()
    if READY.exists() and READY.read_text() == wanted:
        return
    print(f"LocalStack's runtime goes to {FOLDER} (about 500 MB, a minute or two)", file=sys.stderr)
    if not (FOLDER / "bin" / "python").exists():
        subprocess.run([find_python(), "-m", "venv", FOLDER], check=True)
    pip = [FOLDER / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", REQUIREMENTS], check=True, stdout=sys.stderr)
    READY.write_text(wanted)


def launch(port: int, data: Path) -> subprocess.Popen[bytes]:
    """Start it on loopback; its files and its log go to ``data``."""
    data.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": f"{FOLDER / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "HOME": str(data),
        "TMPDIR": str(data),
        **SETTINGS,
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
    }
    with (data / "log").open("wb") as log:
        return subprocess.Popen(
            [FOLDER / "bin" / "python", "-m", "localstack.runtime.main"],
            cwd=data,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Until it answers a real call. Raises ``RuntimeError`` with the end of its log when it does not."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if answers(url):
            return
        time.sleep(0.1)
    end(process)
    raise RuntimeError(f"LocalStack did not start:\n{log.read_text(errors='replace')[-3000:]}")


def answers(url: str) -> bool:
    """Whether a real call, STS's GetCallerIdentity, is answered."""
    scope = "Credential=test/20260101/us-east-1/sts/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature={'0' * 64}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
            return b"<Account>" in answer.read()
    except (OSError, urllib.error.URLError):
        return False


def end(process: subprocess.Popen[bytes]) -> None:
    """End it and what it started."""
    _end_group(process.pid)
    process.wait()


def _end_group(pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
        for _ in range(50):
            time.sleep(0.1)
            try:
                if os.waitpid(pid, os.WNOHANG) == (pid, 0):
                    break
            except ChildProcessError:
                if not Path(f"/proc/{pid}").exists():
                    break


@contextmanager
def running(port: int = 0) -> Iterator[str]:
    """A LocalStack with nothing in it; its address. ``port`` 0: a free one."""
    data = Path(tempfile.mkdtemp(prefix="localstack-"))
    port = port or free_port()
    process = launch(port, data)
    try:
        wait(process, f"http://127.0.0.1:{port}", data / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)
        shutil.rmtree(data, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(port: int) -> None:
    """Start it for ``make localstack-up`` and say where it is."""
    data = FOLDER / "run" / str(port)
    if (data / "pid").exists() and answers(f"http://127.0.0.1:{port}"):
        print(f"LocalStack runs already: http://127.0.0.1:{port}")
        return
    process = launch(port, data)
    (data / "pid").write_text(json.dumps(process.pid))
    wait(process, f"http://127.0.0.1:{port}", data / "log")
    print(f"http://127.0.0.1:{port}")


def stop(port: int) -> None:
    """End what ``start`` started."""
    data = FOLDER / "run" / str(port)
    if not (data / "pid").exists():
        sys.exit(f"No LocalStack was started here on port {port}.")
    pid = json.loads((data / "pid").read_text())
    if b"localstack" in Path(f"/proc/{pid}/cmdline").read_bytes():
        _end_group(pid)
    shutil.rmtree(data)


def main(arguments: list[str]) -> None:
    """Entry point."""
    port = int(arguments[1]) if len(arguments) > 1 else 4567
    actions = {"install": install, "start": lambda: start(port), "stop": lambda: stop(port)}
    if not arguments or arguments[0] not in actions:
        sys.exit(__doc__)
    actions[arguments[0]]()


if __name__ == "__main__":
    main(sys.argv[1:])
