"""Who calls: SigV4 verification, credentials, and what IAM policies let a principal do."""

from sandbox.auth.credentials import Credential
from sandbox.auth.principal import ANONYMOUS, Principal, as_statements, authorize
from sandbox.auth.request import Scope, SignedRequest, scope_of
from sandbox.auth.sigv2 import verify_url
from sandbox.auth.sigv4 import verify

__all__ = [
    "ANONYMOUS",
    "Credential",
    "Principal",
    "Scope",
    "SignedRequest",
    "as_statements",
    "authorize",
    "scope_of",
    "verify",
    "verify_url",
]
