"""Cognito user pools: moto has pools, clients, groups and users; logging in and tokens are ours."""

from sandbox.control.shims.cognito_idp.state import State

__all__ = ["State"]
