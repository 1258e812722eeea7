// amazon-cognito-identity-js: logs in by SRP (a new password when one is wanted), renews, says the tokens, signs out.
import { clients, input, say } from "./say.mjs";

const { AuthenticationDetails, CognitoUser, CognitoUserPool } = clients("amazon-cognito-identity-js");
const { pool, client, username, password, newPassword } = input;
const Pool = new CognitoUserPool({ UserPoolId: pool, ClientId: client, endpoint: process.env.AWS_ENDPOINT_URL });
const user = new CognitoUser({ Username: username, Pool });

const tokens = (session) => ({
  id: session.getIdToken().getJwtToken(),
  access: session.getAccessToken().getJwtToken(),
  valid: session.isValid(),
});
const fail = (error) => say({ error: error.name, message: error.message });

user.authenticateUser(new AuthenticationDetails({ Username: username, Password: password }), {
  onFailure: fail,
  newPasswordRequired: (attributes, required) => {
    say({ newPasswordRequired: required });
    user.completeNewPasswordChallenge(newPassword, {}, {
      onFailure: fail,
      onSuccess: (session) => say(tokens(session)),
    });
  },
  onSuccess: (session) => {
    say(tokens(session));
    user.refreshSession(session.getRefreshToken(), (error, renewed) => {
      if (error) return fail(error);
      say(tokens(renewed));
      user.getUserAttributes((failure, attributes) => {
        if (failure) return fail(failure);
        say(Object.fromEntries(attributes.map((one) => [one.getName(), one.getValue()])));
        user.globalSignOut({ onFailure: fail, onSuccess: (answer) => say({ answer }) });
      });
    });
  },
});
