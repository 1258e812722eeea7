"""App Runner."""

from sandbox.services.app_runner.service import AppRunnerService

__all__ = ["AppRunnerService"]
