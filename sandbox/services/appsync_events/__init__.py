"""AppSync Event APIs: channels, subscribers, publishers."""

from sandbox.services.appsync_events.service import EventsService

__all__ = ["EventsService"]
