# mypy: ignore-errors
"""Runs at the start of every Python process of the sandbox (see ``sandbox/clock/environment.py``).

Standard library only, Python 3.9 to 3.14. It hides another ``sitecustomize`` on the path, so it runs that too.
"""

import os
import sys


def _run_the_hidden_one(here):
    path = [entry for entry in sys.path if os.path.abspath(entry) != here]
    for finder in sys.meta_path:
        if getattr(finder, "__name__", "") == "PathFinder":
            spec = finder.find_spec("sitecustomize", path)
            if spec is not None and spec.loader is not None:
                module = type(sys)("sitecustomize")
                module.__spec__, module.__file__, module.__loader__ = spec, spec.origin, spec.loader
                sys.modules["sitecustomize"] = module
                spec.loader.exec_module(module)
            return


if os.environ.get("SANDBOX_CLOCK"):
    import _sandbox_preload.virtual

    _sandbox_preload.virtual.start(os.environ["SANDBOX_CLOCK"])
if os.environ.get("SANDBOX_NAMES"):
    import _sandbox_preload.names

    _sandbox_preload.names.start(os.environ["SANDBOX_NAMES"])
if os.environ.get("SANDBOX_PLACES"):
    import _sandbox_preload.places

    _sandbox_preload.places.start(os.environ["SANDBOX_PLACES"])

_run_the_hidden_one(os.path.dirname(os.path.abspath(__file__)))
