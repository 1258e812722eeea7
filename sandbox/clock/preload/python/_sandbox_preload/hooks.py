# mypy: ignore-errors
"""Changing modules right after they were imported, so that a start-up pays only for what it uses."""

import sys

_waiting = {}


def after_import(name, change):
    """Call ``change(module)`` now when the module is there, else as soon as it was imported."""
    if name in sys.modules:
        change(sys.modules[name])
    else:
        _waiting.setdefault(name, []).append(change)
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())


class _Finder:
    def find_spec(self, name, path=None, target=None):
        if name not in _waiting:
            return None
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None and spec.loader is not None:
                    spec.loader = _Loader(spec.loader)
                    return spec
        return None


class _Loader:
    """The module's own loader, and our changes after it."""

    def __init__(self, own):
        self._own = own

    def __getattr__(self, name):
        return getattr(self._own, name)

    def create_module(self, spec):
        return self._own.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._own
        self._own.exec_module(module)
        for change in _waiting.pop(module.__name__, ()):
            change(module)
