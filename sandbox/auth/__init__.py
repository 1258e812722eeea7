"""Who calls: SigV4 verification, credentials, and what IAM policies let a principal do."""

from sandbox.auth.principal import Principal, authorize
from sandbox.auth.sigv4 import verify

__all__ = ["Principal", "authorize", "verify"]
