"""Identity pools: who gets an identity, which role's credentials, and that these open what the role opens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.control.cognito_support import Pool, make_pool
from tests.control.helpers import Served, refused

ROLES = {
    "authenticated": "arn:aws:iam::000000000000:role/member",
    "unauthenticated": "arn:aws:iam::000000000000:role/guest",
}


class World:
    """A user pool, an identity pool that trusts it, and an application without keys."""

    def __init__(self, served: Served, guests: bool = True, mapping: dict[str, Any] | None = None) -> None:
        self.served = served
        self.users: Pool = make_pool(served)
        self.users.add_user()
        self.provider = f"cognito-idp.us-east-1.amazonaws.com/{self.users.id}"
        self.admin = served.client("cognito-identity")
        self.app = served.client("cognito-identity", config=Config(signature_version=UNSIGNED))
        self.pool = self.admin.create_identity_pool(
            IdentityPoolName="app",
            AllowUnauthenticatedIdentities=guests,
            CognitoIdentityProviders=[{"ProviderName": self.provider, "ClientId": self.users.client}],
        )["IdentityPoolId"]
        more = {"RoleMappings": {f"{self.provider}:{self.users.client}": mapping}} if mapping else {}
        self.admin.set_identity_pool_roles(IdentityPoolId=self.pool, Roles=ROLES, **more)

    def logins(self, token: str | None = None) -> dict[str, str]:
        return {self.provider: token or self.users.log_in()["IdToken"]}

    def identity(self, **params: Any) -> str:
        found: str = self.app.get_id(IdentityPoolId=self.pool, **params)["IdentityId"]
        return found

    def role(self, identity: str, **params: Any) -> str:
        """The role whose credentials an identity gets, as STS sees them."""
        made = self.app.get_credentials_for_identity(IdentityId=identity, **params)["Credentials"]
        client = self.served.client(
            "sts",
            aws_access_key_id=made["AccessKeyId"],
            aws_secret_access_key=made["SecretKey"],
            aws_session_token=made["SessionToken"],
        )
        arn: str = client.get_caller_identity()["Arn"]
        return arn


def test_a_login_gets_the_members_credentials_for_an_hour(served: Served) -> None:
    world = World(served)
    identity = world.identity(Logins=world.logins())
    assert identity == world.identity(Logins=world.logins())
    assert world.role(identity, Logins=world.logins()) == (
        "arn:aws:sts::000000000000:assumed-role/member/CognitoIdentityCredentials"
    )
    made = world.app.get_credentials_for_identity(IdentityId=identity, Logins=world.logins())["Credentials"]
    credential = served.ask(served.control.secret_for(made["AccessKeyId"]))
    assert credential is not None
    assert credential.expires is not None
    left = (credential.expires - served.sandbox.clock.utcnow()).total_seconds()
    assert 3590 < left <= 3600
    assert (credential.secret_key, credential.session_token) == (made["SecretKey"], made["SessionToken"])


def test_the_credentials_have_the_roles_policies(served: Served) -> None:
    world = World(served)
    iam = served.client("iam")
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunctionUrl", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.create_role(RoleName="member", AssumeRolePolicyDocument="{}")
    iam.put_role_policy(RoleName="member", PolicyName="p", PolicyDocument=json.dumps(document))
    identity = world.identity(Logins=world.logins())
    made = world.app.get_credentials_for_identity(IdentityId=identity, Logins=world.logins())["Credentials"]
    credential = served.ask(served.control.secret_for(made["AccessKeyId"]))
    assert credential is not None
    assert [dict(policy) for policy in credential.policies] == [document]


def test_a_guest_gets_the_guests_role_when_guests_are_allowed(served: Served) -> None:
    world = World(served)
    guest = world.identity()
    assert "assumed-role/guest/" in world.role(guest)
    assert guest != world.identity()
    closed = World(served, guests=False)
    assert refused(closed.app.get_id, IdentityPoolId=closed.pool) == (
        400,
        "NotAuthorizedException",
        "Unauthenticated access is not supported for this identity pool.",
    )


def test_somebody_elses_identity_is_closed(served: Served) -> None:
    world = World(served)
    ada = world.identity(Logins=world.logins())
    call = world.app.get_credentials_for_identity
    assert refused(call, IdentityId=ada)[1:] == (
        "NotAuthorizedException",
        f"Access to Identity '{ada}' is forbidden.",
    )
    world.users.add_user("bob")
    bobs = world.logins(world.users.log_in("bob")["IdToken"])
    assert refused(call, IdentityId=ada, Logins=bobs)[1] == "NotAuthorizedException"
    assert refused(call, IdentityId="us-east-1:none")[1] == "ResourceNotFoundException"


def test_tokens_that_do_not_hold_are_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(served)
    made = world.users.log_in()

    def why(token: str, provider: str | None = None) -> str:
        code, message = refused(
            world.app.get_id, IdentityPoolId=world.pool, Logins={provider or world.provider: token}
        )[1:]
        assert code == "NotAuthorizedException"
        return message

    assert why(made["AccessToken"]).startswith("Invalid login token.")
    assert why("nonsense") == "Invalid login token. Not a valid OpenId Connect identity token."
    head, body, signature = made["IdToken"].split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert why(f"{head}.{body}.{changed}").startswith("Invalid login token.")
    other = make_pool(served)
    other.add_user()
    token = other.log_in()["IdToken"]
    assert why(token) == "Invalid login token. Issuer doesn't match providerName"
    assert why(token, f"cognito-idp.us-east-1.amazonaws.com/{other.id}") == (
        "Token is not from a supported provider of this identity pool."
    )
    extra = world.users.idp.create_user_pool_client(
        UserPoolId=world.users.id, ClientName="x", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    world.users.client = extra["UserPoolClient"]["ClientId"]
    token = world.users.log_in()["IdToken"]
    assert why(token) == "Invalid login token. Incorrect token audience."
    clock = served.sandbox.clock
    later = clock.start.__class__.fromtimestamp(clock.start.timestamp() + 3601, clock.start.tzinfo)
    monkeypatch.setattr(clock, "start", later)
    assert why(made["IdToken"]).startswith("Invalid login token. Token expired: ")


def test_a_pool_without_roles_says_so(served: Served) -> None:
    world = World(served)
    world.admin.set_identity_pool_roles(IdentityPoolId=world.pool, Roles={})
    assert refused(world.app.get_credentials_for_identity, IdentityId=world.identity())[1:] == (
        "InvalidIdentityPoolConfigurationException",
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    )


@pytest.mark.parametrize(
    ("mapping", "groups", "role"),
    [
        ({"Type": "Token", "AmbiguousRoleResolution": "AuthenticatedRole"}, ["editors"], "editors"),
        ({"Type": "Token", "AmbiguousRoleResolution": "AuthenticatedRole"}, [], "member"),
        ({"Type": "Token", "AmbiguousRoleResolution": "Deny"}, [], None),
        (("cognito:groups", "Contains", "edit"), ["editors"], "ruled"),
        (("cognito:groups", "Equals", "edit"), ["editors"], "member"),
        (("cognito:username", "StartsWith", "ad"), [], "ruled"),
        (("cognito:username", "NotEqual", "ada"), [], "member"),
    ],
)
def test_roles_from_the_token_and_from_rules(
    served: Served, mapping: Any, groups: list[str], role: str | None
) -> None:
    if isinstance(mapping, tuple):
        claim, match, value = mapping
        rule = {
            "Claim": claim, "MatchType": match, "Value": value,
            "RoleARN": "arn:aws:iam::000000000000:role/ruled",
        }  # fmt: skip
        mapping = {
            "Type": "Rules",
            "AmbiguousRoleResolution": "AuthenticatedRole",
            "RulesConfiguration": {"Rules": [rule]},
        }
    world = World(served, mapping=mapping)
    at = {"UserPoolId": world.users.id}
    for group in groups:
        arn = f"arn:aws:iam::000000000000:role/{group}"
        world.users.idp.create_group(GroupName=group, RoleArn=arn, **at)
        world.users.idp.admin_add_user_to_group(GroupName=group, Username="ada", **at)
    identity = world.identity(Logins=world.logins())
    if role is None:
        call = world.app.get_credentials_for_identity
        assert refused(call, IdentityId=identity, Logins=world.logins())[1] == "NotAuthorizedException"
    else:
        assert f"assumed-role/{role}/" in world.role(identity, Logins=world.logins())


def test_pools_are_described_updated_listed_and_deleted(served: Served) -> None:
    world = World(served)
    at = {"IdentityPoolId": world.pool}
    assert world.admin.describe_identity_pool(**at)["IdentityPoolName"] == "app"
    world.admin.update_identity_pool(IdentityPoolName="new", AllowUnauthenticatedIdentities=False, **at)
    assert world.admin.list_identity_pools(MaxResults=10)["IdentityPools"] == [
        {"IdentityPoolId": world.pool, "IdentityPoolName": "new"}
    ]
    assert world.admin.get_identity_pool_roles(**at)["Roles"] == ROLES
    world.admin.delete_identity_pool(**at)
    assert refused(world.admin.describe_identity_pool, **at)[1] == "ResourceNotFoundException"
