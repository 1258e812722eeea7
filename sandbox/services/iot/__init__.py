"""IoT Core's message broker. See README.md in this folder."""

from sandbox.services.iot.service import IotService

__all__ = ["IotService"]
