// Lets in who brings an access token of our user pool. Browsers cannot set headers on a WebSocket, so the token is in the
// query.

import { createPublicKey, verify } from "node:crypto";

const { AWS_REGION, USER_POOL, CLIENT } = process.env;
const ISSUER = `https://cognito-idp.${AWS_REGION}.amazonaws.com/${USER_POOL}`;
let keys;

/** Allow or Deny for one $connect; a thrown "Unauthorized" is a 401. */
export const handler = async (event) => {
  const claims = await checked(event.queryStringParameters?.token ?? "");
  const statement = { Action: "execute-api:Invoke", Effect: claims ? "Allow" : "Deny", Resource: event.methodArn };
  return {
    principalId: claims?.sub ?? "nobody",
    policyDocument: { Version: "2012-10-17", Statement: [statement] },
    context: { username: claims?.username ?? "" },
  };
};

/** The claims of a token that holds, else undefined. */
async function checked(token) {
  const [head, body, signature] = token.split(".");
  const { alg, kid } = decoded(head);
  const key = (await published()).find((one) => one.kid === kid);
  if (alg !== "RS256" || !key) return undefined;
  const made = createPublicKey({ key, format: "jwk" });
  if (!verify("RSA-SHA256", Buffer.from(`${head}.${body}`), made, Buffer.from(signature ?? "", "base64url"))) return undefined;
  const claims = decoded(body);
  const right = claims.iss === ISSUER && claims.client_id === CLIENT && claims.token_use === "access";
  return right && claims.exp > Date.now() / 1000 ? claims : undefined;
}

function decoded(part = "") {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString());
  } catch {
    return {}; // no token of anybody's
  }
}

async function published() {
  keys ??= (await (await fetch(`${ISSUER}/.well-known/jwks.json`)).json()).keys;
  return keys;
}
