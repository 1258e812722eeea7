// amazon-cognito-identity-js: a login by custom challenges after SRP, and a software token that is set up and asked for.
import { createHmac } from "node:crypto";
import { clients, input, say } from "./say.mjs";

const { AuthenticationDetails, CognitoUser, CognitoUserPool } = clients("amazon-cognito-identity-js");
const { pool, client, username, password, answers, totp } = input;
const Pool = new CognitoUserPool({ UserPoolId: pool, ClientId: client, endpoint: process.env.AWS_ENDPOINT_URL });
const details = new AuthenticationDetails({ Username: username, Password: password });
const fail = (error) => say({ error: error.name ?? error.code, message: error.message });
const login = () => new CognitoUser({ Username: username, Pool });

function code(secret, back = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((one) => letters.indexOf(one).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) - back));
  const digest = createHmac("sha1", key).update(step).digest();
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
  return String(number % 1e6).padStart(6, "0");
}

if (answers) {
  const user = login();
  user.setAuthenticationFlowType("CUSTOM_AUTH");
  const callbacks = {
    onFailure: fail,
    onSuccess: (session) => say({ valid: session.isValid() }),
    customChallenge: (parameters) => {
      say({ parameters });
      user.sendCustomChallengeAnswer(answers.shift(), callbacks);
    },
  };
  user.authenticateUser(details, callbacks); // proves the password by SRP first
}

if (totp) {
  const user = login();
  user.authenticateUser(details, {
    onFailure: fail,
    onSuccess: () =>
      user.associateSoftwareToken({
        onFailure: fail,
        associateSecretCode: (secret) =>
          user.verifySoftwareToken(code(secret, 1), "phone", {
            onFailure: fail,
            onSuccess: (answer) => {
              say({ status: answer.Status });
              user.setUserMfaPreference(null, { PreferredMfa: true, Enabled: true }, (error, result) => {
                if (error) return fail(error);
                say({ result });
                const again = login();
                again.authenticateUser(details, {
                  onFailure: fail,
                  onSuccess: () => say({ error: "no second factor was asked for" }),
                  totpRequired: (name) => {
                    say({ asked: name });
                    const callbacks = { onFailure: fail, onSuccess: (session) => say({ valid: session.isValid() }) };
                    again.sendMFACode(code(secret), callbacks, "SOFTWARE_TOKEN_MFA");
                  },
                });
              });
            },
          }),
      }),
  });
}
