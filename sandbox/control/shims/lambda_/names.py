"""Function names, partial and full ARNs, qualifiers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.aws.errors import AwsError

LATEST = "$LATEST"

_FUNCTION = re.compile(
    r"^(arn:[^:]+:lambda:(?P<region>[^:]+):)?((?P<account>\d{12}):)?(function:)?(?P<name>[^:]+)(:(?P<qualifier>[^:]+))?$"
)


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function as a client names it. ``qualifier``: a version, an alias, ``$LATEST`` or ``None``."""

    name: str
    qualifier: str | None
    region: str | None = None
    account: str | None = None

    @classmethod
    def parse(cls, text: str, qualifier: str | None = None) -> FunctionName:
        """From a name, a partial or a full ARN, and the ``Qualifier`` parameter.

        Raises ``InvalidParameterValueException`` when both name a qualifier and differ.
        """
        match = _FUNCTION.match(text)
        if match is None:
            raise AwsError(404, "ResourceNotFoundException", f"Function not found: {text}")
        inner = match["qualifier"]
        if inner and qualifier and inner != qualifier:
            message = "The derived qualifier from the function name does not match the specified qualifier."
            raise AwsError(400, "InvalidParameterValueException", message)
        return cls(match["name"], qualifier or inner, match["region"], match["account"])


@dataclass(frozen=True, slots=True)
class Arns:
    """Makes a Region's Lambda ARNs."""

    region: str
    account: str

    def function(self, name: str, qualifier: str | None = None) -> str:
        """``arn:aws:lambda:us-east-1:000000000000:function:chat:live``."""
        return self._arn(f"function:{name}") + (f":{qualifier}" if qualifier else "")

    def layer(self, name: str, version: int | None = None) -> str:
        """``arn:aws:lambda:us-east-1:000000000000:layer:deps:3``."""
        return self._arn(f"layer:{name}") + (f":{version}" if version is not None else "")

    def _arn(self, rest: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:{rest}"


def is_version(qualifier: str) -> bool:
    """Whether a qualifier is a version's number."""
    return qualifier.isdigit()
