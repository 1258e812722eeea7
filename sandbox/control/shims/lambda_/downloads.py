"""Where GetFunction and GetLayerVersion say that a package can be fetched: presigned URLs of AWS's own buckets.

AWS keeps packages in buckets like ``awslambda-us-east-1-tasks`` and gives a URL that is good for ten minutes
(Lambda API reference, FunctionCodeLocation). The buckets are not moto's: the stored bytes are answered.
"""

from __future__ import annotations

import base64

from sandbox.control.message import Request, Response
from sandbox.control.shims.lambda_.state import State
from sandbox.control.shims.lambda_.store import Package

VALID_S = 600


class Downloads:
    """Makes the URLs and answers them. Packages are named by their hash, so that a URL stays right."""

    def __init__(self, state: State) -> None:
        self._state = state

    def location(self, region: str, kind: str, name: str, package: Package) -> str:
        """A presigned URL. ``kind``: ``tasks`` or ``layers``."""
        from botocore.auth import S3SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        account = self._state.sandbox.settings.account
        path = f"/awslambda-{region}-{kind}/snapshots/{account}/{name}-{_hex(package)}"
        request = AWSRequest("GET", self._state.sandbox.endpoint + path)
        S3SigV4QueryAuth(Credentials("test", "test"), "s3", region, VALID_S).add_auth(request)
        return str(request.url)

    def answer(self, request: Request) -> Response | None:
        """The package that a request for one of the buckets wants; ``None`` for any other request."""
        if not request.path.startswith("/awslambda-") or request.method not in ("GET", "HEAD"):
            return None
        wanted = request.path.rpartition("-")[2]
        for package in self._packages():
            if _hex(package) == wanted:
                headers = (("Content-Type", "application/zip"), ("ETag", f'"{wanted}"'))
                return Response(200, headers, package.zip)
        return None

    def _packages(self) -> list[Package]:
        return [
            package
            for region in self._state.regions()
            for package in (
                *(v.package for f in region.functions.values() for v in (f.latest, *f.versions.values())),
                *(v.package for layer in region.layers.values() for v in layer.versions.values()),
            )
        ]


def _hex(package: Package) -> str:
    return base64.b64decode(package.sha256).hex()
