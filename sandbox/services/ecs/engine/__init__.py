"""Tasks as containers of a Docker engine."""

from sandbox.services.ecs.engine.runner import OnEngine

__all__ = ["OnEngine"]
