"""LocalStack as a second backend of the control plane: what it has is asked there, everything else is moto's.

See README.md for what goes where, and why.
"""

from sandbox.control.localstack.backend import LocalStack

__all__ = ["LocalStack"]
