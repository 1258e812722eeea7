"""Event source mappings: queues are polled, and functions invoked with what was in them."""

from sandbox.services.event_sources.service import EventSourceService

__all__ = ["EventSourceService"]
