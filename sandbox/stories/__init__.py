"""Placeholder, replaced by its package."""
