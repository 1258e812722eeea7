"""AWS's limits as data, each with its source, its grade and the dates since which its values held."""

from sandbox.limits.limits import Limit, Limits

__all__ = ["Limit", "Limits"]
