// Events for a channel, signed with the function's own credentials (Signature Version 4).

import { createHash, createHmac } from "node:crypto";

const REGION = process.env.AWS_REGION;
const ENDPOINT = new URL(process.env.EVENTS_URL);
const digest = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

/** Publishes up to five events to a channel; throws when one of them was not taken. */
export async function publish(channel, events) {
  const body = JSON.stringify({ channel, events: events.map((event) => JSON.stringify(event)) });
  const answer = await fetch(ENDPOINT, { method: "POST", headers: signed(body), body });
  const result = await answer.json();
  if (!answer.ok || result.failed.length) throw new Error(`AppSync answered ${answer.status}: ${JSON.stringify(result)}`);
}

function signed(body) {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
  const headers = {
    "content-type": "application/json",
    host: ENDPOINT.host,
    "x-amz-date": time,
    "x-amz-security-token": process.env.AWS_SESSION_TOKEN,
  };
  const names = Object.keys(headers).sort();
  const canonical = names.map((name) => `${name}:${headers[name]}\n`).join("");
  const asked = ["POST", ENDPOINT.pathname, "", canonical, names.join(";"), digest(body)].join("\n");
  const scope = `${time.slice(0, 8)}/${REGION}/appsync/aws4_request`;
  const secret = `AWS4${process.env.AWS_SECRET_ACCESS_KEY}`;
  const key = [time.slice(0, 8), REGION, "appsync", "aws4_request"].reduce(hmac, secret);
  const signature = hmac(key, ["AWS4-HMAC-SHA256", time, scope, digest(asked)].join("\n")).toString("hex");
  const credential = `Credential=${process.env.AWS_ACCESS_KEY_ID}/${scope}`;
  const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  const { host, ...sent } = headers; // fetch sets it
  return { ...sent, authorization };
}
