"""Python's garbage collection around a start: what imports make lives for good and need not be looked at again.

Collections during the start take a tenth of it; later ones would go through half a million objects each, and in a
fork copy their pages.
"""

from __future__ import annotations

import gc


def pause() -> None:
    """No collections from now on, until :func:`settle`."""
    gc.disable()


def settle() -> None:
    """What exists now stays; collections see only what comes later."""
    gc.freeze()
    gc.enable()
