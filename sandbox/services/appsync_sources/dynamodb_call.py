"""Calls of DynamoDB's API for a resolver: expressions in its words, errors in AppSync's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ParamValidationError

from sandbox.aws.errors import AwsError
from sandbox.services.appsync_sources.dynamodb_values import attributes
from sandbox.services.appsync_sources.errors import SourceError

if TYPE_CHECKING:
    from sandbox.services.appsync_sources.asking import Asking


class Table:
    """A data source's table, on behalf of a request."""

    def __init__(self, request: Asking, name: str) -> None:
        self.name = name
        self._request = request

    async def call(self, operation: str, **params: Any) -> Mapping[str, Any]:
        """An operation on the table. Raises :class:`SourceError`."""
        return await self.api(operation, TableName=self.name, **params)

    async def api(self, operation: str, **params: Any) -> Mapping[str, Any]:
        """An operation that names its tables itself; parameters that are ``None`` are left out.

        Raises :class:`SourceError`, and ``ValueError`` for values of another form than the API takes.
        """
        sandbox = self._request.sandbox
        given = {name: value for name, value in params.items() if value is not None}
        try:
            return await sandbox.control.call("dynamodb", operation, **given)
        except ParamValidationError as wrong:
            raise ValueError(str(wrong)) from wrong
        except AwsError as refusal:
            told = f"(Service: DynamoDb, Status Code: {refusal.status}, Request ID: {sandbox.ids.text(52).upper()})"
            reasons = refusal.fields.get("CancellationReasons")
            data = None if reasons is None else {"cancellationReasons": reasons}
            raise SourceError(f"{refusal.message} {told}", f"DynamoDB:{refusal.code}", data) from refusal


def expressions(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """``{"expression", "expressionNames", "expressionValues"}`` for the API; ``name``: of the expression there."""
    made: dict[str, Any] = {name: given["expression"]}
    if given.get("expressionNames"):
        made["ExpressionAttributeNames"] = dict(given["expressionNames"])
    if given.get("expressionValues"):
        made["ExpressionAttributeValues"] = attributes(given["expressionValues"])
    return made


def condition(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """A condition's parameters; none without one."""
    return expressions(given, "ConditionExpression") if given and given.get("expression") else {}


def projection(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """A projection's parameters; none without one."""
    return expressions(given, "ProjectionExpression") if given and given.get("expression") else {}
