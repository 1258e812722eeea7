"""Cognito's errors in its own words.

Sources: the errors of cognito-idp's operations (botocore) for the names; the messages as users of Cognito quote
them in public repositories and issues (amazon-cognito-identity-js, amplify-js, amplify-android). Those for which no
quotation was found are marked "the text is UNSOURCED" where they are raised.
"""

from __future__ import annotations

from sandbox.aws.errors import AwsError


def refuse(code: str, message: str) -> AwsError:
    """An error of the caller's: status 400, as all of Cognito's are."""
    return AwsError(400, code, message)


def not_authorized(message: str = "Incorrect username or password.") -> AwsError:
    """``NotAuthorizedException``."""
    return refuse("NotAuthorizedException", message)


def invalid(message: str) -> AwsError:
    """``InvalidParameterException``."""
    return refuse("InvalidParameterException", message)


def missing(parameter: str) -> AwsError:
    """A parameter of a login is not there."""
    return invalid(f"Missing required parameter {parameter}")


def no_user() -> AwsError:
    """``UserNotFoundException``."""
    return refuse("UserNotFoundException", "User does not exist.")


def no_client(client_id: str) -> AwsError:
    """A client that no pool has."""
    return refuse("ResourceNotFoundException", f"User pool client {client_id} does not exist.")


def no_pool(pool_id: str) -> AwsError:
    """A pool that does not exist."""
    return refuse("ResourceNotFoundException", f"User pool {pool_id} does not exist.")
