// Signed requests to AWS (Signature Version 4), with what Node.js brings along.

import { createHash, createHmac } from "node:crypto";
import { Agent, request as open } from "node:https";

const KEPT = new Agent({ keepAlive: true }); // a handshake for each token would cost more than the token
const REGION = process.env.AWS_REGION;
const digest = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const strict = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** POSTs `body` to https://host/path, signed for `service` with the function's own credentials: {status, text}. */
export async function post(service, host, path, body, more = {}) {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
  const headers = { ...more, host, "x-amz-date": time, "x-amz-security-token": process.env.AWS_SESSION_TOKEN };
  const names = Object.keys(headers).filter((name) => headers[name]).sort();
  const canonical = names.map((name) => `${name}:${headers[name]}\n`).join("");
  // The path is encoded once on the wire and once more in what is signed.
  const signedPath = path.split("/").map(strict).join("/");
  const asked = ["POST", signedPath, "", canonical, names.join(";"), digest(body)].join("\n");
  const scope = `${time.slice(0, 8)}/${REGION}/${service}/aws4_request`;
  const secret = `AWS4${process.env.AWS_SECRET_ACCESS_KEY}`;
  const key = [time.slice(0, 8), REGION, service, "aws4_request"].reduce(hmac, secret);
  const signature = hmac(key, ["AWS4-HMAC-SHA256", time, scope, digest(asked)].join("\n")).toString("hex");
  const authorization =
    `AWS4-HMAC-SHA256 Credential=${process.env.AWS_ACCESS_KEY_ID}/${scope}, ` +
    `SignedHeaders=${names.join(";")}, Signature=${signature}`;
  const sent = Object.fromEntries(names.filter((name) => name !== "host").map((name) => [name, headers[name]]));
  return exchange({ agent: KEPT, method: "POST", host, path, headers: { ...sent, authorization } }, body);
}

function exchange(options, body) {
  return new Promise((resolve, reject) => {
    const sending = open(options, async (answer) => {
      let text = "";
      for await (const piece of answer.setEncoding("utf8")) text += piece;
      resolve({ status: answer.statusCode, text });
    });
    sending.on("error", reject).end(body);
  });
}
