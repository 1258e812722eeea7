"""ECS: tasks of Fargate as processes."""

from sandbox.services.ecs.service import EcsService

__all__ = ["EcsService"]
