"""Application Load Balancers."""

from sandbox.services.alb.service import AlbService

__all__ = ["AlbService"]
