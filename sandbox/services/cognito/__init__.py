"""Cognito's data plane: key sets and hosted domains of user pools."""

from sandbox.services.cognito.service import CognitoService

__all__ = ["CognitoService"]
