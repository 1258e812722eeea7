"""Cognito in templates: a stack whose user logs in and whose identity has a role."""

from __future__ import annotations

import json
from typing import Any

from tests.control.cognito_support import PASSWORD, claims

TEMPLATE = """\
Resources:
  Users:
    Type: AWS::Cognito::UserPool
    Properties:
      UserPoolName: people
      AutoVerifiedAttributes: [email]
      MfaConfiguration: 'OFF'
      Policies: {PasswordPolicy: {MinimumLength: '10', RequireUppercase: 'true'}}
      Schema: [{Name: team, AttributeDataType: String, Mutable: true}]
      UserPoolTags: {color: blue}
  Web:
    Type: AWS::Cognito::UserPoolClient
    Properties:
      UserPoolId: !Ref Users
      ExplicitAuthFlows: [ALLOW_USER_PASSWORD_AUTH, ALLOW_REFRESH_TOKEN_AUTH]
      AccessTokenValidity: '%s'
      TokenValidityUnits: {AccessToken: minutes}
  Machine:
    Type: AWS::Cognito::UserPoolClient
    DependsOn: Notes
    Properties:
      UserPoolId: !Ref Users
      GenerateSecret: true
      AllowedOAuthFlows: [client_credentials]
      AllowedOAuthFlowsUserPoolClient: true
      AllowedOAuthScopes: [notes/read]
  Notes:
    Type: AWS::Cognito::UserPoolResourceServer
    Properties:
      {UserPoolId: !Ref Users, Identifier: notes, Name: notes, Scopes: [{ScopeName: read, ScopeDescription: r}]}
  Domain:
    Type: AWS::Cognito::UserPoolDomain
    Properties: {UserPoolId: !Ref Users, Domain: people-chat}
  Admins:
    Type: AWS::Cognito::UserPoolGroup
    Properties: {UserPoolId: !Ref Users, GroupName: admins, Precedence: '%s'}
  Ada:
    Type: AWS::Cognito::UserPoolUser
    Properties:
      UserPoolId: !Ref Users
      Username: ada
      UserAttributes: [{Name: email, Value: ada@example.com}, {Name: 'custom:team', Value: red}]
  Member:
    Type: AWS::Cognito::UserPoolUserToGroupAttachment
    Properties: {UserPoolId: !Ref Users, GroupName: !Ref Admins, Username: !Ref Ada}
  Identities:
    Type: AWS::Cognito::IdentityPool
    Properties:
      AllowUnauthenticatedIdentities: 'true'
      CognitoIdentityProviders: [{ClientId: !Ref Web, ProviderName: !GetAtt Users.ProviderName}]
  Roles:
    Type: AWS::Cognito::IdentityPoolRoleAttachment
    Properties:
      IdentityPoolId: !Ref Identities
      Roles: {authenticated: 'arn:aws:iam::000000000000:role/member'}
      RoleMappings:
        people:
          Type: Token
          AmbiguousRoleResolution: AuthenticatedRole
          IdentityProvider: !Sub '${Users.ProviderName}:${Web}'
Outputs:
  Pool: {Value: !Ref Users}
  Arn: {Value: !GetAtt Users.Arn}
  Issuer: {Value: !GetAtt Users.ProviderURL}
  Client: {Value: !Ref Web}
  Secret: {Value: !GetAtt Machine.ClientSecret}
  Identities: {Value: !Ref Identities}
"""


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def test_a_stacks_user_logs_in_and_its_identity_has_a_role(play: Any) -> None:
    async def main(lab: Any) -> None:
        stack = await lab.create(TEMPLATE % (5, 3))
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        made = outputs(stack)
        assert made["Arn"].endswith(f"userpool/{made['Pool']}")
        assert len(made["Secret"]) > 40
        at = {"UserPoolId": made["Pool"], "Username": "ada"}
        await lab.aws("cognito-idp", "AdminSetUserPassword", Password=PASSWORD, Permanent=True, **at)
        asked = {
            "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": made["Client"],
            "AuthParameters": {"USERNAME": "ada", "PASSWORD": PASSWORD},
        }  # fmt: skip
        given = (await lab.aws("cognito-idp", "InitiateAuth", **asked))["AuthenticationResult"]
        said = claims(given["IdToken"])
        assert (said["iss"], said["cognito:groups"], said["custom:team"]) == (
            made["Issuer"],
            ["admins"],
            "red",
        )
        assert given["ExpiresIn"] == 300
        logins = {made["Issuer"].removeprefix("https://"): given["IdToken"]}
        identity = await lab.aws(
            "cognito-identity", "GetId", IdentityPoolId=made["Identities"], Logins=logins
        )
        keys = await lab.aws(
            "cognito-identity", "GetCredentialsForIdentity", IdentityId=identity["IdentityId"], Logins=logins
        )
        known = await lab.sandbox.control.secret_for(keys["Credentials"]["AccessKeyId"])
        assert "assumed-role/member/" in known.principal_arn

        assert (await lab.update(TEMPLATE % (10, 7)))["StackStatus"] == "UPDATE_COMPLETE"
        given = (await lab.aws("cognito-idp", "InitiateAuth", **asked))["AuthenticationResult"]
        assert given["ExpiresIn"] == 600
        group = await lab.aws("cognito-idp", "GetGroup", UserPoolId=made["Pool"], GroupName="admins")
        assert group["Group"]["Precedence"] == 7

        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"
        assert (await lab.aws("cognito-idp", "ListUserPools", MaxResults=9))["UserPools"] == []
        pools = await lab.aws("cognito-identity", "ListIdentityPools", MaxResults=9)
        assert pools["IdentityPools"] == []

    play(main)


def test_a_trigger_that_is_not_emulated_fails_the_stack_and_is_named(play: Any) -> None:
    async def main(lab: Any) -> None:
        function = "arn:aws:lambda:us-east-1:000000000000:function:x"
        config = {"CustomSMSSender": {"LambdaArn": function, "LambdaVersion": "V1_0"}}
        resources = {"Users": {"Type": "AWS::Cognito::UserPool", "Properties": {"LambdaConfig": config}}}
        stack = await lab.create(json.dumps({"Resources": resources}))
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        events = (await lab.cfn("DescribeStackEvents", StackName="s"))["StackEvents"]
        assert any("CustomSMSSender" in event.get("ResourceStatusReason", "") for event in events)

    play(main)
