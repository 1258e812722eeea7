"""The folder of a running sandbox: gone with it, and swept away by the next one when it was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "genai-sandbox-"
UNFINISHED = "new-genai-sandbox-"  # until it is locked: nobody sweeps it away before
ALIVE = ".alive"  # locked while the sandbox lives, however it ends


@contextmanager
def scratch(given: Path | None) -> Iterator[Path]:
    """``given``, or a new temporary folder that is removed at the end."""
    if given is not None:
        yield given
        return
    _sweep()
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED))
    with (unfinished / ALIVE).open("w") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        folder = unfinished.rename(unfinished.with_name(unfinished.name.replace(UNFINISHED, PREFIX, 1)))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Remove the folders of sandboxes of this user that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.stat().st_uid != os.getuid():
                continue
            with (folder / ALIVE).open("r+") as alive:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an OSError while its sandbox lives
                shutil.rmtree(folder, ignore_errors=True)
