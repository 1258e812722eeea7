"""AWS API requests: read whole, refused when badly signed, and handed on with who signed them."""

from __future__ import annotations

from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Receive, Sandbox, Scope, Send
from sandbox.front.errors import presigned_by_version_2, service_of

# Operations that AWS answers without a signature (botocore: authtype none), by X-Amz-Target or query action.
_USER_POOLS = """AssociateSoftwareToken ChangePassword CompleteWebAuthnRegistration ConfirmDevice
ConfirmForgotPassword ConfirmSignUp DeleteUser DeleteUserAttributes DeleteWebAuthnCredential ForgetDevice
ForgotPassword GetDevice GetTokensFromRefreshToken GetUser GetUserAttributeVerificationCode GetUserAuthFactors
GlobalSignOut InitiateAuth ListDevices ListUserSessions ListWebAuthnCredentials ResendConfirmationCode
RespondToAuthChallenge RevokeToken RevokeUserSession SetUserMFAPreference SetUserSettings SignUp
StartWebAuthnRegistration UpdateAuthEventFeedback UpdateDeviceStatus UpdateUserAttributes VerifySoftwareToken
VerifyUserAttribute"""
_IDENTITY_POOLS = "GetCredentialsForIdentity GetId GetOpenIdToken UnlinkIdentity"
UNSIGNED_TARGETS = frozenset(
    f"{prefix}.{operation}"
    for prefix, operations in (
        ("AWSCognitoIdentityProviderService", _USER_POOLS),
        ("AWSCognitoIdentityService", _IDENTITY_POOLS),
    )
    for operation in operations.split()
)
UNSIGNED_ACTIONS = (b"Action=AssumeRoleWithWebIdentity", b"Action=AssumeRoleWithSAML")
# Services whose endpoint is the same in every region, or (S3) whose buckets are found from any.
GLOBAL = frozenset({"iam", "sts", "s3", "cloudfront", "route53", "organizations"})
# Larger than any AWS API payload that is not a streamed S3 upload (Lambda's zip: 50 MB).
LARGEST_BODY = 256 * 2**20


class Signing:
    """Checks SigV4 before an AWS API sees the request."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def before(self, application: Any) -> Any:
        """An application that verifies, then calls ``application`` with the body replayed."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            body = await _read(receive)
            if not _may_be_unsigned(scope, body):
                scope["aws.principal"] = await self._verify(scope, body)
            await application(scope, _replay(body, receive), send)

        return answer

    async def _verify(self, scope: Scope, body: bytes) -> Any:
        from sandbox.auth import SignedRequest, verify, verify_url

        service = service_of(dict(scope["headers"]), scope["query_string"])
        if service is None:
            raise AwsError(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        request = SignedRequest.from_scope(scope, body)
        control: Any = self._sandbox.control
        if presigned_by_version_2(scope["query_string"]):
            here = self._sandbox.settings.region
            return await verify_url(request, here, control.secret_for, self._sandbox.clock)
        region = None if service in GLOBAL else self._sandbox.settings.region
        try:
            return await verify(request, service, region, control.secret_for, self._sandbox.clock)
        except AwsError as error:
            if "valid region" in error.message:
                error.message += f" This sandbox is in {region}; start it with --region for another."
            raise


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise AwsError(
                400, "RequestAborted", "The client closed the connection before its request ended."
            )
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            raise AwsError(413, "RequestEntityTooLargeException", f"The body is over {LARGEST_BODY} bytes.")
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Any:
        nonlocal sent
        if sent:
            return await receive()  # http.disconnect
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _may_be_unsigned(scope: Scope, body: bytes) -> bool:
    target = dict(scope["headers"]).get(b"x-amz-target", b"").decode("latin-1")
    return target in UNSIGNED_TARGETS or body.startswith(UNSIGNED_ACTIONS)
