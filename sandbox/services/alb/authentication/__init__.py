"""Logging users in before a request goes on (facts 7.14), and judging the tokens of programs (facts 7.15)."""

from sandbox.services.alb.authentication.gate import Gate

__all__ = ["Gate"]
