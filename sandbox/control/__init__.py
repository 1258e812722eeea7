"""The control plane: AWS's management APIs, and a typed reading of what they created."""

from sandbox.context import Sandbox
from sandbox.control.control import MotoControl

__all__ = ["MotoControl", "create_control"]


def create_control(sandbox: Sandbox) -> MotoControl:
    """The control plane of a sandbox. Cheap: moto is imported at the first request, or by ``start()``."""
    return MotoControl(sandbox)
