"""IoT SQL: what topic rules select from messages, as far as it is emulated.

Source: IoT Core developer guide, "AWS IoT SQL reference". Words and functions that are not known here are refused by
name: :class:`SqlNotEmulatedError`; what is no SQL at all: :class:`SqlError`.
"""

from sandbox.aws.iot_sql.errors import SqlError, SqlNotEmulatedError
from sandbox.aws.iot_sql.evaluate import UNDEFINED, Facts, evaluate, filled, select
from sandbox.aws.iot_sql.parse import Query, parse, templates

__all__ = [
    "UNDEFINED",
    "Facts",
    "Query",
    "SqlError",
    "SqlNotEmulatedError",
    "evaluate",
    "filled",
    "parse",
    "select",
    "templates",
]
