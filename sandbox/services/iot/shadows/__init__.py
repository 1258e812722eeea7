"""Device shadows: the documents, the requests for them, and what is published about them."""

from sandbox.services.iot.shadows.api import ShadowApi
from sandbox.services.iot.shadows.requests import requested
from sandbox.services.iot.shadows.shadows import Shadows

__all__ = ["ShadowApi", "Shadows", "requested"]
