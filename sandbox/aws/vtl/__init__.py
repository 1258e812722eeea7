"""Mapping templates: Velocity as API Gateway and AppSync have it, each with its own variables."""
