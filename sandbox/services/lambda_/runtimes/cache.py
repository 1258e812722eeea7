"""Where installed runtimes are kept: interface clients, and other versions of the languages."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT = "SANDBOX_RUNTIMES_DIR"
_REPOSITORY = Path(__file__).resolve().parents[4]


def cache_dir() -> Path:
    """``$SANDBOX_RUNTIMES_DIR``, else ``.cache/runtimes`` of a checkout, else the user's cache folder."""
    if chosen := os.environ.get(ENVIRONMENT):
        return Path(chosen).absolute()
    if (_REPOSITORY / "pyproject.toml").is_file():
        return _REPOSITORY / ".cache" / "runtimes"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "genai-streaming-sandbox" / "runtimes"
