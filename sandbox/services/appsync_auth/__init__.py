"""Who calls an API of AppSync, a GraphQL or an Event API: keys, signatures and tokens are judged alike for both."""

from sandbox.services.appsync_auth.authorizers import AuthorizerFailedError, Authorizers, Question
from sandbox.services.appsync_auth.credentials import Credentials
from sandbox.services.appsync_auth.modes import Modes, RefusedError, Signer, of_issuer

__all__ = [
    "AuthorizerFailedError",
    "Authorizers",
    "Credentials",
    "Modes",
    "Question",
    "RefusedError",
    "Signer",
    "of_issuer",
]
