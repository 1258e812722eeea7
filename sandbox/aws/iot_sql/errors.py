"""What is wrong with a statement."""

from __future__ import annotations


class SqlError(Exception):
    """The text is no statement of IoT SQL; the message says where it stops being one."""


class SqlNotEmulatedError(SqlError):
    """AWS knows it, the sandbox does not; the message names it."""
