"""AWS Lambda's data plane: functions run in real processes, by the official runtime interface clients."""

from sandbox.services.lambda_.service import LambdaService

__all__ = ["LambdaService"]
